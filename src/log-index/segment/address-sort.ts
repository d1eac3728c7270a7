// Entries of postings put in order of address, those of one address as they came.
//
// A hot path, written for the machine (bench/logs.ts); the reference in columns.test.ts is Array.prototype.sort. Sorting all at
// once would touch memory here and there for every entry, so they are first dealt out, whole, by their upper bits; each lot then
// fits the processor's cache, and is sorted there: dealt once more by its next bits, which leaves little to put right.
//
//   entries as they came ──deal by upper bits──▶ lots ──deal by next bits, put right──▶ in order

import { radixSort } from "./radix.ts";
import { OTHER } from "./row.ts";

export interface EntrySink {
  add(address: number, place: number, low: number, high: number): void;
}

/** Lots, at most: more would be more places to write to than a cache has lines. */
const LOT_BITS = 11;
const LOTS = 1 << LOT_BITS;
/** Numbers of an entry: address, place, low, high. */
const CELLS = 4;
const DIGIT = 8;
/** Fewer are sorted by insertion. */
const FEW = 24;
/** Steps for each entry after which putting right is given up: where many addresses of a lot share their next bits too. */
const STEPS = 6;

/** May be used again and again: what it holds in memory grows to the most entries it had. */
export class AddressSort {
  count = 0;
  #came: Uint32Array;
  #dealt = new Uint32Array(0);
  /** Of a lot: upper bits of what is left of the address, below them which entry of the lot. */
  #keys = new Uint32Array(1 << LOT_BITS);
  #spare = new Uint32Array(1 << LOT_BITS);
  #buckets = new Uint32Array(1 << LOT_BITS);
  readonly #starts = new Uint32Array(LOTS + 1);
  readonly #digits = new Uint32Array(1 << DIGIT);

  constructor(capacity = 0) {
    this.#came = new Uint32Array(capacity * CELLS);
  }

  add(address: number, place: number, low: number, high: number): void {
    const at = this.count * CELLS;
    if (at === this.#came.length) this.#grow();
    const came = this.#came;
    came[at] = address;
    came[at + 1] = place;
    came[at + 2] = low;
    came[at + 3] = high;
    this.count++;
  }

  #grow(): void {
    const larger = new Uint32Array(Math.max(1 << 14, this.#came.length * 2));
    larger.set(this.#came);
    this.#came = larger;
  }

  /** Gives all that were added to the sink, in order; none is left. */
  drain(sink: EntrySink): void {
    const { count } = this;
    if (count === 0) return;
    const came = this.#came;
    let least = 0xffffffff;
    let most = 0;
    for (let at = 0; at < count * CELLS; at += CELLS) {
      const address = came[at] ?? 0;
      if (address < least) least = address;
      if (address > most) most = address;
    }
    const shift = shiftOf(least, most);
    this.#deal(least, shift);
    this.#drainLots(least, shift, sink);
    this.count = 0;
  }

  /** The same for rows of a segment, five cells each (row.ts), that have IPv4 addresses; their numbers are their places. */
  drainRows(cells: Uint16Array, rows: number, sink: EntrySink): void {
    let least = 0xffffffff;
    let most = 0;
    let count = 0;
    for (let at = 0; at < rows * 5; at += 5) {
      if (isOther(cells[at + 3] ?? 0)) continue;
      const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
      if (address < least) least = address;
      if (address > most) most = address;
      count++;
    }
    if (count === 0) return;
    const shift = shiftOf(least, most);
    this.#dealRows(cells, rows, count, least, shift);
    this.#drainLots(least, shift, sink);
  }

  /** Afterwards every lot ends where `#starts` says. */
  #deal(least: number, shift: number): void {
    const came = this.#came;
    const starts = this.#starts;
    const end = this.count * CELLS;
    starts.fill(0);
    for (let at = 0; at < end; at += CELLS) {
      const lot = (((came[at] ?? 0) - least) >>> shift) + 1;
      starts[lot] = (starts[lot] ?? 0) + 1;
    }
    const dealt = this.#room(this.count);
    for (let at = 0; at < end; at += CELLS) {
      const address = came[at] ?? 0;
      const lot = (address - least) >>> shift;
      const place = starts[lot] ?? 0;
      starts[lot] = place + 1;
      const to = place * CELLS;
      dealt[to] = address;
      dealt[to + 1] = came[at + 1] ?? 0;
      dealt[to + 2] = came[at + 2] ?? 0;
      dealt[to + 3] = came[at + 3] ?? 0;
    }
  }

  #dealRows(cells: Uint16Array, rows: number, count: number, least: number, shift: number): void {
    const starts = this.#starts;
    const end = rows * 5;
    starts.fill(0);
    for (let at = 0; at < end; at += 5) {
      if (isOther(cells[at + 3] ?? 0)) continue;
      const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
      const lot = ((address - least) >>> shift) + 1;
      starts[lot] = (starts[lot] ?? 0) + 1;
    }
    const dealt = this.#room(count);
    for (let at = 0, row = 0; at < end; at += 5, row++) {
      const upper = cells[at + 3] ?? 0;
      if (isOther(upper)) continue;
      const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
      const lot = (address - least) >>> shift;
      const place = starts[lot] ?? 0;
      starts[lot] = place + 1;
      const to = place * CELLS;
      dealt[to] = address;
      dealt[to + 1] = row;
      dealt[to + 2] = (cells[at + 2] ?? 0) | (upper << 16);
      dealt[to + 3] = cells[at + 4] ?? 0;
    }
  }

  /** From counts, each one place further, to where lots begin; and room for all of them. */
  #room(count: number): Uint32Array {
    const starts = this.#starts;
    for (let lot = 1; lot <= LOTS; lot++) starts[lot] = (starts[lot] ?? 0) + (starts[lot - 1] ?? 0);
    if (this.#dealt.length < count * CELLS) this.#dealt = new Uint32Array(count * CELLS);
    return this.#dealt;
  }

  #drainLots(least: number, shift: number, sink: EntrySink): void {
    const starts = this.#starts;
    for (let lot = 0, from = 0; lot < LOTS; lot++) {
      const to = starts[lot] ?? 0;
      if (to > from) this.#drainLot(from, to, least, shift, sink);
      from = to;
    }
  }

  #drainLot(from: number, to: number, least: number, shift: number, sink: EntrySink): void {
    const count = to - from;
    const bits = 32 - Math.clz32(count - 1);
    if (bits + shift > 32) {
      this.#drainLarge(from, to, sink);
      return;
    }
    if (count > this.#keys.length) {
      this.#keys = new Uint32Array(1 << bits);
      this.#spare = new Uint32Array(1 << bits);
      this.#buckets = new Uint32Array(1 << bits);
    }
    const dealt = this.#dealt;
    const keys = this.#keys;
    const rest = shift === 0 ? 0 : 0xffffffff >>> (32 - shift);
    for (let i = 0, at = from * CELLS; i < count; i++, at += CELLS)
      keys[i] = ((((dealt[at] ?? 0) - least) & rest) << bits) | i;
    const sorted = count < FEW ? this.#fewSorted(count) : this.#sorted(count, bits, shift);
    const mask = (1 << bits) - 1;
    for (let i = 0; i < count; i++) {
      const at = (from + ((sorted[i] ?? 0) & mask)) * CELLS;
      sink.add(dealt[at] ?? 0, dealt[at + 1] ?? 0, dealt[at + 2] ?? 0, dealt[at + 3] ?? 0);
    }
  }

  #fewSorted(count: number): Uint32Array {
    inserted(this.#keys, count, count * count);
    return this.#keys;
  }

  /** Keys have `shift` bits of the address above `bits` that say which entry it is, and are in order as to those. */
  #sorted(count: number, bits: number, shift: number): Uint32Array {
    const next = Math.max(bits, shift);
    const keys = this.#keys;
    const spare = this.#spare;
    const buckets = this.#buckets;
    // As many buckets as entries, or one for each address where there are not so many.
    const used = 1 << Math.min(bits, shift);
    buckets.fill(0, 0, used);
    for (let i = 0; i < count; i++) {
      const bucket = (keys[i] ?? 0) >>> next;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    let sum = 0;
    for (let bucket = 0; bucket < used; bucket++) {
      const here = buckets[bucket] ?? 0;
      buckets[bucket] = sum;
      sum += here;
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i] ?? 0;
      const at = buckets[key >>> next] ?? 0;
      buckets[key >>> next] = at + 1;
      spare[at] = key;
    }
    if (inserted(spare, count, count * STEPS)) return spare;
    return this.#bitBySome(count, bits, bits + shift);
  }

  /** By bits `low` to before `high` of the keys, which are in order as to the bits below. */
  #bitBySome(count: number, low: number, high: number): Uint32Array {
    const digits = this.#digits;
    let from = this.#keys;
    let to = this.#spare;
    for (let shift = low; shift < high; shift += DIGIT) {
      digits.fill(0);
      for (let i = 0; i < count; i++) {
        const digit = ((from[i] ?? 0) >>> shift) & ((1 << DIGIT) - 1);
        digits[digit] = (digits[digit] ?? 0) + 1;
      }
      let sum = 0;
      for (let digit = 0; digit < 1 << DIGIT; digit++) {
        const here = digits[digit] ?? 0;
        digits[digit] = sum;
        sum += here;
      }
      for (let i = 0; i < count; i++) {
        const key = from[i] ?? 0;
        const digit = (key >>> shift) & ((1 << DIGIT) - 1);
        const at = digits[digit] ?? 0;
        digits[digit] = at + 1;
        to[at] = key;
      }
      [from, to] = [to, from];
    }
    return from;
  }

  /** Where many addresses share their upper bits. */
  #drainLarge(from: number, to: number, sink: EntrySink): void {
    const count = to - from;
    const dealt = this.#dealt;
    const pair = { keys: new Uint32Array(count), values: new Uint32Array(count) };
    for (let i = 0; i < count; i++) {
      pair.keys[i] = dealt[(from + i) * CELLS] ?? 0;
      pair.values[i] = i;
    }
    const { values } = radixSort(count, pair, { keys: new Uint32Array(count), values: new Uint32Array(count) });
    for (let i = 0; i < count; i++) {
      const at = (from + (values[i] ?? 0)) * CELLS;
      sink.add(dealt[at] ?? 0, dealt[at + 1] ?? 0, dealt[at + 2] ?? 0, dealt[at + 3] ?? 0);
    }
  }
}

function isOther(upper: number): boolean {
  return (upper & (OTHER >>> 16)) !== 0;
}

/** Bits that are left below those that tell the lot. */
function shiftOf(least: number, most: number): number {
  return Math.max(0, 32 - Math.clz32(most - least) - LOT_BITS);
}

/** By insertion; false, and not in order, where that would take more steps. */
function inserted(keys: Uint32Array, count: number, steps: number): boolean {
  let left = steps;
  for (let i = 1; i < count; i++) {
    const key = keys[i] ?? 0;
    let at = i;
    for (; at > 0 && (keys[at - 1] ?? 0) > key; at--) keys[at] = keys[at - 1] ?? 0;
    keys[at] = key;
    left -= i - at;
    if (left < 0) return false;
  }
  return true;
}
