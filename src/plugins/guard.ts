// What stands between a process and a plugin in it: what a hook throws is said and counted, and never goes further.

import { asError } from "../base/fault.ts";
import type { Log } from "../base/log.ts";

export class Guard {
  readonly name: string;
  readonly file: string;
  readonly #say: (text: string) => void;
  readonly #watchdog: Watchdog | undefined;
  readonly #failures = new Map<string, number>();

  constructor(of: { readonly name: string; readonly file: string }, say: (text: string) => void, watchdog?: Watchdog) {
    this.name = of.name;
    this.file = of.file;
    this.#say = say;
    this.#watchdog = watchdog;
  }

  /** By hook, how often it has thrown. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** Undefined where it throws. */
  ask<T>(hook: string, run: () => T): T | undefined {
    const left = this.#watchdog?.entered(this.file, hook);
    try {
      return run();
    } catch (thrown) {
      this.failed(hook, thrown);
      return undefined;
    } finally {
      left?.();
    }
  }

  failed(hook: string, thrown: unknown): void {
    const times = (this.#failures.get(hook) ?? 0) + 1;
    this.#failures.set(hook, times);
    // Some hooks are asked many times a second: the first failure is said, then the tenth, the hundredth.
    if (!Number.isInteger(Math.log10(times))) return;
    const often = times === 1 ? "" : ` (${times} times so far)`;
    this.#say(`plugin ${this.file}: '${hook}' failed${often}: ${asError(thrown).message}; the default holds`);
  }
}

/** Told when a hook is entered; what it answers is called when that hook has come back. Ends a process whose hook never does. */
export interface Watchdog {
  entered(file: string, hook: string): () => void;
}

/** Says by which plugin a line is. */
export function logOf(log: Log, plugin: string): Log {
  return { write: (level, message, fields) => log.write(level, message, { plugin, ...fields }) };
}
