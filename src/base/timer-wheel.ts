// Many timers in constant time each: a hierarchical wheel (Varghese & Lauck, 1987) of seven levels.
//
//   level 0   32 slots of 1 tick        the next 32 ticks, one slot each
//   level 1   32 slots of 32 ticks      emptied into level 0 when time enters a slot
//   …
//   level 6    4 slots of 2^30 ticks    goes round
//
// A timer lies on the level of the highest group of five bits in which its tick differs from the present one.
//
// Invariants
//   W1. Timers come out in the order of (tick, insertion). Two timers of one tick are on one level at any time, so that
//       moving a slot down keeps their order; it would not if the level followed from the distance alone.
//   W2. One object per timer: it is its own list link and its own handle. Neither insert nor cancel searches.
//   W3. Ticks count modulo 2^32; what is further away than FAR is laid at FAR, on the top
//       level, and laid again when time enters that slot. (W1 does not hold between it and one that came meanwhile.)
//
// Written for the machine (one insert and one cancel per call): bench/simulator.ts and bench/call.ts show it.

import type { Timer } from "./clock.ts";

const BITS = 5;
const SLOTS = 32;
const LEVELS = 7;
const FAR = 2 ** 31;

const nothing = (): void => {};

/** Also the head of a slot's list, with itself as both neighbours when the slot is empty. */
class Entry implements Timer {
  tick: number;
  fire: () => void;
  before: Entry | undefined = undefined;
  after: Entry | undefined = undefined;
  /** The wheel it lies on, and where: level * SLOTS + slot. */
  wheel: TimerWheel | undefined;
  place = 0;

  constructor(tick: number, fire: () => void, wheel: TimerWheel | undefined) {
    this.tick = tick;
    this.fire = fire;
    this.wheel = wheel;
  }

  cancel(): void {
    this.fire = nothing;
    this.wheel?.cancelled(this);
  }
}

export class TimerWheel {
  #now: number;
  #size = 0;
  readonly #heads: Entry[] = [];
  /** Per level, a bit for each slot that holds something; and a bit for each level that does. */
  readonly #filled = new Int32Array(LEVELS);
  #levels = 0;

  readonly #emptied: () => void;

  /** Ticks are whole numbers, at most 2^53; their length is the owner's choice. `emptied`: the last timer was cancelled. */
  constructor(now: number, emptied: () => void = nothing) {
    this.#now = now;
    this.#emptied = emptied;
    for (let place = 0; place < LEVELS * SLOTS; place++) {
      const head = new Entry(0, nothing, undefined);
      head.before = head;
      head.after = head;
      head.place = place;
      this.#heads.push(head);
    }
  }

  /** Timers that are neither taken nor cancelled. */
  get size(): number {
    return this.#size;
  }

  /** A tick that has passed means the present one. */
  insert(tick: number, fire: () => void): Timer {
    const entry = new Entry(Math.max(tick, this.#now), fire, this);
    this.#lay(entry);
    this.#size++;
    return entry;
  }

  /**
   * A tick at or before that of the first timer, later than the present one unless that timer is due;
   * Infinity when there is none.
   */
  next(): number {
    const levels = this.#levels;
    if (levels === 0) return Number.POSITIVE_INFINITY;
    // Whatever lies on a lower level comes first.
    const level = 31 - Math.clz32(levels & -levels);
    const steps = this.#stepsToFilled(level);
    if (level === 0) return this.#now + steps;
    const width = 2 ** (BITS * level);
    return this.#now - (this.#now % width) + steps * width;
  }

  /**
   * Moves time to the next timer due at or before `now` and takes it off the wheel; the caller runs it.
   * Undefined when none is due: time is then at `now`.
   */
  take(now: number): { readonly tick: number; readonly fire: () => void } | undefined {
    for (;;) {
      const next = this.next();
      if (next > now) {
        if (now > this.#now) this.#enter(now);
        return undefined;
      }
      if (next > this.#now) this.#enter(next);
      const head = this.#heads[this.#now & (SLOTS - 1)];
      const entry = head?.after;
      if (entry === undefined || entry === head) continue;
      this.#remove(entry);
      return entry;
    }
  }

  /** For entries' own use. */
  cancelled(entry: Entry): void {
    this.#remove(entry);
    if (this.#size === 0) this.#emptied();
  }

  #remove(entry: Entry): void {
    const { before, after, place } = entry;
    if (before === undefined || after === undefined) return; // a head
    before.after = after;
    after.before = before;
    if (before === after) {
      const level = Math.floor(place / SLOTS);
      this.#clear(level, 1 << (place % SLOTS));
    }
    entry.before = undefined;
    entry.after = undefined;
    entry.wheel = undefined;
    this.#size--;
  }

  #lay(entry: Entry): void {
    const tick = entry.tick - this.#now > FAR ? this.#now + FAR : entry.tick;
    const differs = (tick ^ this.#now) >>> 0; // modulo 2^32, as `^` takes it (W3)
    const level = differs === 0 ? 0 : Math.floor((31 - Math.clz32(differs)) / BITS);
    const slot = ((tick % 2 ** 32) >>> (BITS * level)) & (SLOTS - 1);
    this.#append(level, slot, entry);
  }

  #append(level: number, slot: number, entry: Entry): void {
    const head = this.#heads[level * SLOTS + slot];
    const last = head?.before;
    if (head === undefined || last === undefined) return;
    entry.before = last;
    entry.after = head;
    entry.place = head.place;
    last.after = entry;
    head.before = entry;
    this.#filled[level] = (this.#filled[level] ?? 0) | (1 << slot);
    this.#levels |= 1 << level;
  }

  #clear(level: number, bit: number): void {
    const left = (this.#filled[level] ?? 0) & ~bit;
    this.#filled[level] = left;
    if (left === 0) this.#levels &= ~(1 << level);
  }

  /** How many slots ahead of the present one the first filled slot of a level is. The level holds something. */
  #stepsToFilled(level: number): number {
    const filled = this.#filled[level] ?? 0;
    const present = ((this.#now % 2 ** 32) >>> (BITS * level)) & (SLOTS - 1);
    const slots = level === LEVELS - 1 ? 4 : SLOTS;
    const ahead = slots === SLOTS ? rotateRight(filled, present) : rotateFour(filled, present);
    return 31 - Math.clz32(ahead & -ahead);
  }

  /** Never past a filled slot, so that only the slot of the highest digit that changes can hold something. */
  #enter(tick: number): void {
    const differs = (tick ^ this.#now) >>> 0;
    this.#now = tick;
    if (differs === 0) return;
    const level = Math.floor((31 - Math.clz32(differs)) / BITS);
    if (level > 0) this.#empty(level, ((tick % 2 ** 32) >>> (BITS * level)) & (SLOTS - 1));
  }

  #empty(level: number, slot: number): void {
    const bit = 1 << slot;
    if (((this.#filled[level] ?? 0) & bit) === 0) return;
    this.#clear(level, bit);
    const head = this.#heads[level * SLOTS + slot];
    let entry = head?.after;
    if (head === undefined) return;
    head.before = head;
    head.after = head;
    while (entry !== undefined && entry !== head) {
      const after: Entry | undefined = entry.after;
      this.#lay(entry);
      entry = after;
    }
  }
}

function rotateRight(bits: number, by: number): number {
  return by === 0 ? bits : (bits >>> by) | (bits << (SLOTS - by));
}

function rotateFour(bits: number, by: number): number {
  return ((bits >>> by) | (bits << (4 - by))) & 15;
}
