// Which parts of an index have answered a question: one that comes by two ways is answered by each part once.

/** Questions remembered; of older ones it is not known any more whether they come again. */
const KEPT_QUESTIONS = 4_096;

export class Claims {
  readonly #taken = new Map<string, Set<string>>();

  /** Whether nobody answered the question from this part before; somebody did, from then on. */
  take(question: string, part: string): boolean {
    let parts = this.#taken.get(question);
    if (parts === undefined) {
      const [oldest] = this.#taken.keys();
      if (oldest !== undefined && this.#taken.size >= KEPT_QUESTIONS) this.#taken.delete(oldest);
      parts = new Set();
      this.#taken.set(question, parts);
    }
    if (parts.has(part)) return false;
    parts.add(part);
    return true;
  }
}
