// What a problem throws outside of its evaluation, where it is evaluated in this very process: from a timer, or a promise
// that nobody awaits. Elsewhere it takes a thread; here it would take the run, and say nothing of it.

import type { Clock, Timer } from "../../base/clock.ts";
import { asError } from "../../base/fault.ts";

export interface StrayErrors {
  /** Aborts with the first. */
  readonly signal: AbortSignal;
  /** The first, with where it was thrown; undefined while there is none. */
  text(): string | undefined;
  release(): void;
}

/** An evaluation that waits for what has failed ends no more; the run is given up then. */
const GRACE_MS = 10_000;

export function strayErrors(of: { readonly clock: Clock; readonly late: () => void }): StrayErrors {
  const controller = new AbortController();
  let first: Error | undefined;
  let timer: Timer | undefined;
  const take = (thrown: unknown) => {
    if (first !== undefined) return;
    first = asError(thrown);
    timer = of.clock.after(GRACE_MS, of.late);
    controller.abort(first);
  };
  process.on("uncaughtException", take);
  return {
    signal: controller.signal,
    text: () => first && `${first.name}: ${first.message}${placeOf(first)}`,
    release: () => {
      timer?.cancel();
      process.off("uncaughtException", take);
    },
  };
}

/** The innermost place of the stack that is no part of Node. */
function placeOf({ stack = "" }: Error): string {
  const found = /\(?(?:file:\/\/)?(\/[^()\s]+:\d+:\d+)\)?/.exec(stack)?.[1];
  return found === undefined ? "" : ` (${found})`;
}
