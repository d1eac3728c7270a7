// A candidate that calls process.exit ends itself, and not whoever evaluates it.

import { AsyncLocalStorage } from "node:async_hooks";

const evaluating = new AsyncLocalStorage<true>();
// A process has one way out, so whether it is guarded is its own state and nobody's.
let isGuarded = false;

/** What `work` calls, at once or later, cannot end the process: there `process.exit` throws, and nowhere else. */
export function withoutExit<T>(work: () => T): T {
  guard();
  return evaluating.run(true, work);
}

function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  const exit = process.exit.bind(process);
  process.exit = (code): never => {
    if (evaluating.getStore() === true) throw new Error(`process.exit(${code ?? ""}) was called within an evaluation`);
    return exit(code);
  };
}
