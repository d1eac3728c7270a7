// Ends a process whose plugin does not come back from a hook: a governor's loop that stands still can do nothing for its node.
//
//   hook entered ──▶ number in shared memory ◀──looked at by a thread── the same for too long? ──▶ written down, said, ended
//
// A thread of its own, since the loop that is stuck cannot look; begun with the first hook that is asked. Its looks are counted,
// not its clock: a process that was stopped was not stuck. Who starts the process again reads what was written (`stuckPlugin`),
// and goes on without that plugin until its file changes.

import { readFileSync, statSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** What the thread is told first. */
export interface WatchdogSettings {
  /** Where it is written down which plugin was stuck. */
  readonly note: string;
  /** How long a hook may take. */
  readonly limitMs: number;
}

export interface Hook {
  readonly number: number;
  readonly file: string;
  readonly hook: string;
}

/** `entered` is to be called when a hook is, and what it answers when that has come back. */
export function watchdog(settings: WatchdogSettings): { entered(file: string, hook: string): () => void } {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const numbers = new Map<string, number>();
  let thread: Worker | undefined;
  return {
    entered(file, hook) {
      thread ??= begin(settings, state);
      const name = `${file} ${hook}`;
      let number = numbers.get(name);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(name, number);
        const told: Hook = { number, file, hook };
        thread.postMessage(told);
      }
      const before = Atomics.exchange(state, HOOK, number);
      Atomics.add(state, TURN, 1);
      return () => {
        Atomics.store(state, HOOK, before);
        Atomics.add(state, TURN, 1);
      };
    },
  };
}

/** Which hook runs, 0 for none; and a number that changes whenever one is entered or left. */
export const HOOK = 0;
export const TURN = 1;

function begin(settings: WatchdogSettings, state: Int32Array): Worker {
  const thread = new Worker(new URL("./watchdog-thread.ts", import.meta.url), { workerData: { ...settings, state } });
  thread.unref();
  return thread;
}

/** Which plugin was stuck when the process before this one was ended, if its file is still the same; read once a start. */
export function stuckPlugin(note: string): Omit<Hook, "number"> | undefined {
  try {
    const { file, hook, changed }: Record<string, unknown> = JSON.parse(readFileSync(note, "utf8"));
    if (typeof file !== "string" || typeof hook !== "string" || changed !== changeOf(file)) return undefined;
    return { file, hook };
  } catch {
    // There is none, or it is half written: nothing is known of anybody.
    return undefined;
  }
}

/** Differs when the file was written. */
export function changeOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.mtimeMs} ${found.size}`;
}
