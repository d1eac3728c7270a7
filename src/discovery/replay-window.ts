// Which counts of one sender were there before: each is taken once, in any order as far as the window reaches below the
// greatest, and none below that, since it could not be told from a replay (RFC 4303, 3.4.3).

const WINDOW = 256;

export class ReplayWindow {
  #greatest = 0;
  /** Bit by bit, at count modulo WINDOW. */
  readonly #seen = new Uint32Array(WINDOW / 32);

  has(count: number): boolean {
    if (count > this.#greatest) return false;
    if (count <= this.#greatest - WINDOW) return true;
    const place = count % WINDOW;
    return ((this.#seen[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0;
  }

  add(count: number): void {
    if (count > this.#greatest) {
      if (count - this.#greatest >= WINDOW) this.#seen.fill(0);
      else for (let passed = this.#greatest + 1; passed < count; passed++) this.#put(passed, false);
      this.#greatest = count;
    }
    this.#put(count, true);
  }

  #put(count: number, value: boolean): void {
    const place = count % WINDOW;
    const bit = 1 << (place & 31);
    const word = this.#seen[place >>> 5] ?? 0;
    this.#seen[place >>> 5] = value ? word | bit : word & ~bit;
  }
}
