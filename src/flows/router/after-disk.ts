// What waits for the disk: outputs, answers to who submitted, calls whose beginning must be known first. In the order in which they came.

import type { JournalWriter } from "../journal-writer.ts";

interface Waiting {
  /** The block that must be on disk before. */
  readonly block: number;
  readonly act: () => void;
  /** Instead, where it will never be. */
  readonly lost: (() => void) | undefined;
}

export class AfterDisk {
  readonly #writer: Pick<JournalWriter, "last" | "acknowledged">;
  #waiting: Waiting[] = [];
  #done = 0;

  constructor(writer: Pick<JournalWriter, "last" | "acknowledged">) {
    this.#writer = writer;
  }

  /** Once all that has happened so far is on disk: at once, where it is. */
  later(act: () => void, lost?: () => void): void {
    const block = this.#writer.last;
    if (block <= this.#writer.acknowledged && this.#done === this.#waiting.length) act();
    else this.#waiting.push({ block, act, lost });
  }

  acknowledged(block: number): void {
    while (this.#done < this.#waiting.length) {
      const waiting = this.#waiting[this.#done];
      if (waiting === undefined || waiting.block > block) break;
      this.#done++;
      waiting.act();
    }
    if (this.#done === this.#waiting.length || this.#done > 1024) {
      this.#waiting = this.#waiting.slice(this.#done);
      this.#done = 0;
    }
  }

  /** Nothing will be on disk any more: who waits is told, and nothing is done. */
  lost(): void {
    for (const { lost } of this.#waiting.splice(this.#done)) lost?.();
  }
}
