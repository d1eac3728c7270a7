// So many a second, at most a second's worth at once: a token bucket whose rate may change at any time.

export class RateLimit {
  #tokens = 1;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** How long until one may be taken, in ms; 0: now. */
  waitMs(perSecond: number, now: number): number {
    this.#fill(perSecond, now);
    // A millionth less counts as whole, for what rounding took.
    return this.#tokens >= 1 - 1e-6 ? 0 : Math.ceil(((1 - this.#tokens) * 1_000) / perSecond);
  }

  take(perSecond: number, now: number): void {
    if (perSecond === Number.POSITIVE_INFINITY) return;
    this.#fill(perSecond, now);
    this.#tokens--;
  }

  #fill(perSecond: number, now: number): void {
    this.#tokens = Math.min(Math.max(1, perSecond), this.#tokens + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
  }
}
