// How much processor time some processes have used together, look by look, whichever of them end in between: by themselves, or with
// all that would have waited for them, which takes their time along.
//
// Invariants
//   P1. It never grows less, and what was seen used stays counted.
//   P2. What a process used counts once: while it lives, or where it was waited for.

import type { Processor } from "./process-tree.ts";

const NOTHING: Processor = { ownMs: 0, waitedMs: 0 };

export class ProcessorTime {
  #usedMs = 0;
  #before: ReadonlyMap<number, Processor> = new Map();
  /** Of what was gone at the last look, and was waited for by nobody yet. */
  #goneMs = 0;

  /** By process: all that are there now. Answers with what was used by all that ever were. */
  seen(now: ReadonlyMap<number, Processor>): number {
    let [ownMs, waitedMs, goneMs] = [0, 0, 0];
    for (const [pid, used] of now) {
      const known = this.#before.get(pid) ?? NOTHING;
      // Less than before: its number is another's now.
      const from = used.ownMs < known.ownMs || used.waitedMs < known.waitedMs ? NOTHING : known;
      ownMs += used.ownMs - from.ownMs;
      waitedMs += used.waitedMs - from.waitedMs;
    }
    for (const [pid, used] of this.#before) if (!now.has(pid)) goneMs += used.ownMs + used.waitedMs;
    // P2: its parent has it from the same look on, or from the next.
    const twiceMs = Math.min(waitedMs, goneMs + this.#goneMs);
    this.#usedMs += ownMs + waitedMs - twiceMs;
    this.#goneMs = goneMs - Math.max(0, twiceMs - this.#goneMs);
    this.#before = now;
    return this.#usedMs;
  }
}
