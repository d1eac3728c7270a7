// Messages kept for one peer, in order, in lanes: what of them is next, expired, superseded or too much. Pure: it knows no disk
// and no clock, and never sees a message itself.
//
//   put ──▶ waiting ──take──▶ under way ──gone──▶ out of the box
//              │  ▲               └─────back──▶ waiting, at its old place
//              └──┴─ expired, superseded ─────▶ out of the box
//
// Invariants
//   B1. Of one lane, messages are taken in the order in which they were put; none while an earlier one of the lane is under way.
//   B2. What is taken has not expired.
//   B3. Of one lane and key one message waits at most: the newest. One under way is not superseded, nor does it expire: what
//       becomes of it is not known.
//   B4. Nothing is let in past the limits as they are then.
//   B5. Every message that was put leaves once: gone, expired or superseded.

/** May have other values later: what is in the box then stays. */
export interface BoxLimits {
  readonly items: number;
  readonly bytes: number;
}

export interface Item<P> {
  /** Rises with every message that is put. */
  readonly sequence: number;
  readonly lane: string;
  readonly bytes: number;
  /** On the owner's clock, in ms; infinite where it does not expire. */
  readonly expiresAt: number;
  /** Replaces what waits in the lane with the same key; empty: replaces nothing. */
  readonly key: string;
  /** The owner's: where the message is. */
  readonly place: P;
}

export class Box<P> {
  readonly limits: BoxLimits;
  /** By lane, then by sequence: a Map keeps the order in which they were put. */
  readonly #lanes = new Map<string, Map<number, Item<P>>>();
  readonly #underWay = new Map<string, Set<number>>();
  /** By lane and key: what waits. */
  readonly #keys = new Map<string, number>();
  #items = 0;
  #bytes = 0;
  #last = 0;
  /** Not later than the first that expires. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  constructor(limits: BoxLimits) {
    this.limits = limits;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lanes(): readonly string[] {
    return [...this.#lanes.keys()];
  }

  /** Whether so much more would be too much; what it supersedes is not counted off. */
  isFull(bytes: number): boolean {
    return this.#items >= this.limits.items || this.#bytes + bytes > this.limits.bytes;
  }

  /** The caller has asked `isFull`. Answers with what it superseded. Sequences must rise. */
  put(item: Item<P>): Item<P> | undefined {
    if (item.sequence <= this.#last) throw new RangeError(`message ${item.sequence} after ${this.#last}`);
    this.#last = item.sequence;
    const superseded = item.key === "" ? undefined : this.#superseded(item);
    let lane = this.#lanes.get(item.lane);
    if (lane === undefined) {
      lane = new Map();
      this.#lanes.set(item.lane, lane);
    }
    lane.set(item.sequence, item);
    this.#items++;
    this.#bytes += item.bytes;
    if (item.expiresAt < this.#nextExpiry) this.#nextExpiry = item.expiresAt;
    if (item.key !== "") this.#keys.set(keyOf(item), item.sequence);
    return superseded;
  }

  /** The first of a lane, under way from now on; none where some are already. At least one, whatever its bytes. */
  take(lane: string, most: BoxLimits, now: number): readonly Item<P>[] {
    const waiting = this.#lanes.get(lane);
    if (waiting === undefined || this.#underWay.has(lane)) return [];
    const taken: Item<P>[] = [];
    let bytes = 0;
    for (const item of waiting.values()) {
      // Taken out by `expire`, so that it is counted in one place.
      if (item.expiresAt <= now) continue;
      if (taken.length > 0 && (taken.length >= most.items || bytes + item.bytes > most.bytes)) break;
      taken.push(item);
      bytes += item.bytes;
    }
    if (taken.length > 0) this.#underWay.set(lane, new Set(taken.map(({ sequence }) => sequence)));
    for (const item of taken) if (this.#keys.get(keyOf(item)) === item.sequence) this.#keys.delete(keyOf(item));
    return taken;
  }

  /**
   * All that a lane has under way has ended: `done` of it are gone, the rest wait again, but for those that have been superseded
   * meanwhile.
   */
  ended(
    lane: string,
    done: ReadonlySet<number>,
  ): { readonly gone: readonly Item<P>[]; readonly superseded: readonly Item<P>[] } {
    const underWay = this.#underWay.get(lane) ?? [];
    this.#underWay.delete(lane);
    const gone: Item<P>[] = [];
    const superseded: Item<P>[] = [];
    for (const sequence of underWay) {
      const item = this.#lanes.get(lane)?.get(sequence);
      if (item === undefined) continue;
      const newer = item.key === "" ? undefined : this.#keys.get(keyOf(item));
      if (done.has(sequence)) gone.push(this.#remove(item));
      // Of two of one key that were under way together the later one counts: it is looked at after this one.
      else if (newer !== undefined && newer > sequence) superseded.push(this.#remove(item));
      else {
        if (newer !== undefined) this.#supersede(lane, newer, superseded);
        if (item.key !== "") this.#keys.set(keyOf(item), sequence);
        if (item.expiresAt < this.#nextExpiry) this.#nextExpiry = item.expiresAt;
      }
    }
    return { gone, superseded };
  }

  /** Takes out what waits and has expired. */
  expire(now: number): readonly Item<P>[] {
    if (now < this.#nextExpiry) return [];
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    const expired: Item<P>[] = [];
    for (const [lane, items] of this.#lanes) {
      const underWay = this.#underWay.get(lane);
      for (const item of items.values()) {
        if (underWay?.has(item.sequence)) continue;
        if (item.expiresAt <= now) expired.push(item);
        else if (item.expiresAt < this.#nextExpiry) this.#nextExpiry = item.expiresAt;
      }
    }
    for (const item of expired) this.#remove(item);
    return expired;
  }

  /** Takes out all that waits in a lane; what is under way stays. */
  clear(lane: string): readonly Item<P>[] {
    const underWay = this.#underWay.get(lane);
    const waiting = [...(this.#lanes.get(lane)?.values() ?? [])].filter(({ sequence }) => !underWay?.has(sequence));
    for (const item of waiting) this.#remove(item);
    return waiting;
  }

  /** Lies somewhere else now. */
  moved(sequence: number, lane: string, place: P): void {
    const items = this.#lanes.get(lane);
    const item = items?.get(sequence);
    // Setting a key that is there keeps its place in the order.
    if (item !== undefined) items?.set(sequence, { ...item, place });
  }

  get(lane: string, sequence: number): Item<P> | undefined {
    return this.#lanes.get(lane)?.get(sequence);
  }

  *[Symbol.iterator](): Iterator<Item<P>> {
    for (const items of this.#lanes.values()) yield* items.values();
  }

  #supersede(lane: string, sequence: number, into: Item<P>[]): void {
    const older = this.#lanes.get(lane)?.get(sequence);
    if (older !== undefined) into.push(this.#remove(older));
  }

  #superseded(item: Item<P>): Item<P> | undefined {
    const sequence = this.#keys.get(keyOf(item));
    const older = sequence === undefined ? undefined : this.#lanes.get(item.lane)?.get(sequence);
    return older === undefined ? undefined : this.#remove(older);
  }

  #remove(item: Item<P>): Item<P> {
    const lane = this.#lanes.get(item.lane);
    if (!lane?.delete(item.sequence)) return item;
    if (lane.size === 0) this.#lanes.delete(item.lane);
    if (this.#keys.get(keyOf(item)) === item.sequence) this.#keys.delete(keyOf(item));
    this.#items--;
    this.#bytes -= item.bytes;
    return item;
  }
}

function keyOf({ lane, key }: { readonly lane: string; readonly key: string }): string {
  return `${lane}\n${key}`;
}
