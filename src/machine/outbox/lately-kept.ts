// Which messages were kept lately, by their ids: so that one that its sender asks to be kept again, since it did not hear that it
// was, is kept once.
//
// Invariants
//   L1. Of two that ask under one name at a time, the second hears what became of the first.
//   L2. At most `limit` names are known; the one that came first is forgotten for one more.

export class LatelyKept {
  readonly #limit: number;
  readonly #known = new Map<string, Promise<void>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What was kept by an earlier process. */
  add(name: string): void {
    this.#remember(name, Promise.resolve());
  }

  /** Keeps it, unless that was done, or is being done. What could not be kept may be tried again. */
  once(name: string, keep: () => Promise<void>): Promise<void> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const keeping = keep();
    this.#remember(name, keeping);
    keeping.catch(() => this.#known.delete(name));
    return keeping;
  }

  #remember(name: string, keeping: Promise<void>): void {
    this.#known.set(name, keeping);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#limit && oldest !== undefined) this.#known.delete(oldest);
  }
}
