// How much a node says: a budget of bytes per second that does not depend on the number of nodes, and what gives way
// when it is used up.
//
//   what is sent ──▶ tokens, refilled at the budget's rate ──▶ below 0: entries and loads wait
//                                                          └─▶ in debt: the probe interval grows, up to fourfold
//
// Failure detection never waits for tokens: probes and rumours about who is alive are sent and paid for afterwards.
//
// What a node says of itself is limited at its source. A rumour is told COPIES times by each of n nodes that heard it,
// so n nodes that each publish b bytes a second make each of them send n·b·COPIES bytes a second. A node therefore
// publishes at most  b = SHARE · budget / (n · COPIES),  and saves up no more than SAVED_ALLOWANCE_S of that: with 10
// nodes a change of load is out at once, with 100 it is renewed about every 4 seconds, with 1,000 about every 40, and the
// bytes stay the same.

/** How often each who hears an entry or load tells it: after that, e^-4 of the nodes have not heard it (about 2 %). */
export const COPIES = 4;

/** Of the budget, for entries and loads. */
const SHARE = 0.5;
/** For a burst of changes after a quiet time; one load may always be saved up for. */
const SAVED_ALLOWANCE_S = 10;
const LEAST_ALLOWANCE_BYTES = 100;
/** How far an allowance may be overdrawn: an entry is not to silence its node's loads for long. */
const OWED_ALLOWANCE_BYTES = 100;

/** Seconds of the budget that may be saved, and owed. */
const SAVED_S = 2;
const OWED_S = 4;

/** How far the probe interval may be stretched. */
const MOST_PRESSURE = 4;

/** What the network adds to a datagram: the headers of IPv4 and UDP. */
export const HEADER_BYTES = 28;

export class Budget {
  readonly #rate: number;
  #tokens: number;
  #refilledAt: number;

  constructor(bytesPerSecond: number, now: number) {
    this.#rate = bytesPerSecond;
    this.#tokens = bytesPerSecond * SAVED_S;
    this.#refilledAt = now;
  }

  spend(bytes: number, now: number): void {
    this.#refill(now);
    this.#tokens = Math.max(-this.#rate * OWED_S, this.#tokens - bytes);
  }

  /** Whether there is something left for what can wait. */
  left(now: number): boolean {
    this.#refill(now);
    return this.#tokens > 0;
  }

  /** What the probe interval is multiplied by: 1 to MOST_PRESSURE. */
  pressure(now: number): number {
    this.#refill(now);
    return this.#tokens >= 0 ? 1 : Math.min(MOST_PRESSURE, 1 - this.#tokens / this.#rate);
  }

  #refill(now: number): void {
    const gained = ((now - this.#refilledAt) / 1000) * this.#rate;
    this.#tokens = Math.min(this.#rate * SAVED_S, this.#tokens + gained);
    this.#refilledAt = now;
  }
}

/** What a node may publish about itself. */
export class Allowance {
  readonly #bytesPerSecond: number;
  #bytes: number;
  #grownAt: number;

  constructor(budgetBytesPerSecond: number, now: number) {
    this.#bytesPerSecond = budgetBytesPerSecond * SHARE;
    this.#bytes = LEAST_ALLOWANCE_BYTES;
    this.#grownAt = now;
  }

  /** Milliseconds until so many bytes may be published, were the number of nodes to stay; 0: now. */
  waitMs(bytes: number, nodes: number, now: number): number {
    this.#grow(nodes, now);
    const missing = Math.min(bytes, this.#most(nodes)) - this.#bytes;
    return missing <= 0 ? 0 : (missing / this.#rate(nodes)) * 1000;
  }

  /** May be overdrawn, by what cannot wait. */
  spend(bytes: number): void {
    this.#bytes = Math.max(-OWED_ALLOWANCE_BYTES, this.#bytes - bytes);
  }

  #grow(nodes: number, now: number): void {
    const gained = ((now - this.#grownAt) / 1000) * this.#rate(nodes);
    this.#bytes = Math.min(this.#most(nodes), this.#bytes + gained);
    this.#grownAt = now;
  }

  #most(nodes: number): number {
    return Math.max(LEAST_ALLOWANCE_BYTES, this.#rate(nodes) * SAVED_ALLOWANCE_S);
  }

  #rate(nodes: number): number {
    return this.#bytesPerSecond / (Math.max(1, nodes) * COPIES);
  }
}
