// What waits for its turn in one container: first come, first served, up to a limit.
//
// Invariants
//   I1. At most `limit` items wait; one more is refused at once.
//   I2. Items leave in the order they came, re-entrant ones ahead of the rest:
//       whoever waits for them holds the turn the rest is waiting for.
//   I3. An item past its deadline never leaves by `take`.

export interface Waiting {
  /** On the container's clock. */
  readonly deadline: number;
}

/** A queue over a ring that grows by doubling: no shifting, no holes. */
class Ring<T> {
  #slots: (T | undefined)[] = new Array(16);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length++) & (this.#slots.length - 1)] = item;
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#slots[this.#head];
  }

  shift(): T | undefined {
    const item = this.peek();
    if (this.#length === 0) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return item;
  }

  find(picks: (item: T) => boolean): T | undefined {
    for (let i = 0; i < this.#length; i++) {
      const item = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
      if (item !== undefined && picks(item)) return item;
    }
    return undefined;
  }

  /** Removes what `drop` picks and answers it, in order. */
  remove(drop: (item: T) => boolean): T[] {
    const gone: T[] = [];
    for (let left = this.#length; left > 0; left--) {
      const item = this.shift();
      if (item === undefined) break;
      if (drop(item)) gone.push(item);
      else this.push(item);
    }
    return gone;
  }

  #grow(): void {
    const slots: (T | undefined)[] = new Array(this.#slots.length * 2);
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}

export class Inbox<T extends Waiting> {
  #limit: number;
  readonly #reentrant = new Ring<T>();
  readonly #rest = new Ring<T>();
  readonly #expired: (item: T) => void;
  /** No item that waits ends before this, so that a full inbox of live items is refused without a look through it. */
  #earliest = Number.POSITIVE_INFINITY;

  /** `expired` is told of every item that is dropped because its deadline passed. */
  constructor(limit: number, expired: (item: T) => void) {
    this.#limit = limit;
    this.#expired = expired;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Takes effect at once. What already waits above a lower limit stays. */
  set limit(limit: number) {
    this.#limit = limit;
  }

  get waiting(): number {
    return this.#reentrant.length + this.#rest.length;
  }

  /** False: full (I1). */
  add(item: T, now: number, reentrant: boolean): boolean {
    if (this.waiting >= this.#limit && this.#earliest <= now) this.#dropExpired(now);
    if (this.waiting >= this.#limit) return false;
    if (item.deadline < this.#earliest) this.#earliest = item.deadline;
    (reentrant ? this.#reentrant : this.#rest).push(item);
    return true;
  }

  /** Whether one in front may start, should its deadline allow it: cheaper to ask than the time. */
  mightTake(mayStart: (item: T) => boolean): boolean {
    const entering = this.#reentrant.peek();
    if (entering !== undefined && mayStart(entering)) return true;
    const first = this.#rest.peek();
    return first !== undefined && mayStart(first);
  }

  /** The next item that may start, if the one in front may: nobody overtakes (I2). */
  take(now: number, mayStart: (item: T) => boolean): T | undefined {
    return this.#takeFrom(this.#reentrant, now, mayStart) ?? this.#takeFrom(this.#rest, now, mayStart);
  }

  /** Moves one that waits among the rest to where the re-entrant ones wait, with what replaces it. */
  promote(item: T, as: T): void {
    for (const _ of this.#rest.remove((other) => other === item)) this.#reentrant.push(as);
  }

  find(picks: (item: T) => boolean): T | undefined {
    return this.#reentrant.find(picks) ?? this.#rest.find(picks);
  }

  /** Removes and answers all that `drop` picks. */
  remove(drop: (item: T) => boolean): T[] {
    return [...this.#reentrant.remove(drop), ...this.#rest.remove(drop)];
  }

  #takeFrom(ring: Ring<T>, now: number, mayStart: (item: T) => boolean): T | undefined {
    for (;;) {
      const item = ring.peek();
      if (item === undefined) return undefined;
      if (item.deadline <= now) {
        ring.shift();
        this.#expired(item);
        continue;
      }
      if (!mayStart(item)) return undefined;
      return ring.shift();
    }
  }

  #dropExpired(now: number): void {
    this.#earliest = Number.POSITIVE_INFINITY;
    const late = this.remove((item) => {
      if (item.deadline <= now) return true;
      if (item.deadline < this.#earliest) this.#earliest = item.deadline;
      return false;
    });
    for (const item of late) this.#expired(item);
  }
}
