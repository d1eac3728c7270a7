// Who waits for how much of a work is done.

export class Milestones {
  readonly #waiting = new Set<{ readonly part: number; readonly reached: () => void }>();
  #part = 0;

  /** Settles when so much is done, 0 to 1. */
  reached(part: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#part >= part) resolve();
      else this.#waiting.add({ part, reached: resolve });
    });
  }

  /** So much is done now. */
  pass(part: number): void {
    this.#part = Math.max(this.#part, part);
    for (const each of this.#waiting) {
      if (each.part > this.#part) continue;
      this.#waiting.delete(each);
      each.reached();
    }
  }
}
