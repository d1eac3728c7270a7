// How much a node trusts its own ears: Lifeguard's local health multiplier.
//
// A node that is slow or badly connected misses the answers of healthy ones. Each sign of that makes it ask more slowly
// and wait longer: its probe interval and time-out are multiplied by the score plus one.
// A. Dadgar, J. Phillips, J. Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection"
// (arXiv:1707.00788, 2017), section IV.A.

/** The paper's S. */
const MOST = 8;

export class LocalHealth {
  #score = 0;

  /** 0 is healthy, 8 the worst. */
  get score(): number {
    return this.#score;
  }

  /** What intervals and time-outs are multiplied by. */
  get factor(): number {
    return this.#score + 1;
  }

  probeAnswered(): void {
    this.#change(-1);
  }

  /**
   * Of those who were asked to probe, `missing` said neither that the target answers nor that it does not: they are
   * probably well, and it is here that answers get lost. Nobody asked counts as one; all of them heard, as none.
   */
  probeFailed({ asked, missing }: { asked: number; missing: number }): void {
    this.#change(asked === 0 ? 1 : missing);
  }

  /** Others missed this node's answers. */
  hadToRefute(): void {
    this.#change(1);
  }

  /** This process stood still for longer than it may. */
  stalled(): void {
    this.#change(1);
  }

  #change(by: number): void {
    this.#score = Math.min(MOST, Math.max(0, this.#score + by));
  }
}
