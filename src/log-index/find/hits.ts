// Rows that were found, as columns that grow; a batch once they are in order.
//
// A hot path, written for the machine (bench/logs.ts).

import { radixSort } from "../segment/radix.ts";
import { OTHER } from "../segment/row.ts";
import type { Segment } from "../segment/segment.ts";
import type { Batch } from "./batch.ts";

export class Hits {
  readonly #segments: readonly Segment[];
  count = 0;
  times: Uint32Array;
  addresses: Uint32Array;
  rows: Uint32Array;
  lows: Uint32Array;
  highs: Uint16Array;
  /** Of which segment each is. */
  ordinals: Uint16Array;

  /** `expected`: hits that there is room for at once. */
  constructor(segments: readonly Segment[], expected: number) {
    this.#segments = segments;
    const columns = columnsOf(Math.max(8, expected));
    this.times = columns.times;
    this.addresses = columns.addresses;
    this.rows = columns.rows;
    this.lows = columns.lows;
    this.highs = columns.highs;
    this.ordinals = columns.ordinals;
  }

  add(ordinal: number, row: number, address: number, low: number, high: number): void {
    const at = this.count++;
    if (at === this.rows.length) this.#grow();
    this.ordinals[at] = ordinal;
    this.rows[at] = row;
    this.addresses[at] = address;
    this.lows[at] = low;
    this.highs[at] = high;
  }

  #grow(): void {
    const { times, addresses, rows, lows, highs, ordinals } = this;
    const larger = columnsOf(rows.length * 4);
    larger.times.set(times);
    larger.addresses.set(addresses);
    larger.rows.set(rows);
    larger.lows.set(lows);
    larger.highs.set(highs);
    larger.ordinals.set(ordinals);
    this.times = larger.times;
    this.addresses = larger.addresses;
    this.rows = larger.rows;
    this.lows = larger.lows;
    this.highs = larger.highs;
    this.ordinals = larger.ordinals;
  }

  /** By time, then segment, then row: as they were read, among those of one second. */
  batch(): HitBatch {
    const { count } = this;
    const order = this.#order();
    const pick32 = (from: Uint32Array) =>
      order === undefined ? from.subarray(0, count) : picked(from, order, new Uint32Array(count));
    const pick16 = (from: Uint16Array) =>
      order === undefined ? from.subarray(0, count) : picked(from, order, new Uint16Array(count));
    return new HitBatch(this.#segments, {
      times: pick32(this.times),
      addresses: pick32(this.addresses),
      rows: pick32(this.rows),
      lows: pick32(this.lows),
      highs: pick16(this.highs),
      ordinals: pick16(this.ordinals),
    });
  }

  /** Undefined where they are in order. */
  #order(): Uint32Array | undefined {
    const { count } = this;
    let first = 1;
    while (first < count && !this.#isBefore(first, first - 1)) first++;
    if (first >= count) return undefined;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    return this.#inserted(order, first) ?? this.#sorted();
  }

  #isBefore(a: number, b: number): boolean {
    const { times, ordinals, rows } = this;
    const time = (times[a] ?? 0) - (times[b] ?? 0);
    if (time !== 0) return time < 0;
    const ordinal = (ordinals[a] ?? 0) - (ordinals[b] ?? 0);
    return ordinal < 0 || (ordinal === 0 && (rows[a] ?? 0) < (rows[b] ?? 0));
  }

  /** Nearly in order, as where segments overlap a little; undefined where that would take more steps than sorting. */
  #inserted(order: Uint32Array, first: number): Uint32Array | undefined {
    let steps = order.length * 4;
    for (let i = first; i < order.length; i++) {
      const hit = order[i] ?? 0;
      let at = i;
      for (; at > 0 && this.#isBefore(hit, order[at - 1] ?? 0); at--) {
        order[at] = order[at - 1] ?? 0;
        if (--steps < 0) return undefined;
      }
      order[at] = hit;
    }
    return order;
  }

  /** Row by row, then second by second, each time leaving what is equal as it was. */
  #sorted(): Uint32Array {
    const { count, times, ordinals, rows } = this;
    const pair = { keys: new Uint32Array(count), values: new Uint32Array(count) };
    const spare = { keys: new Uint32Array(count), values: new Uint32Array(count) };
    for (let i = 0; i < count; i++) {
      pair.keys[i] = rows[i] ?? 0;
      pair.values[i] = i;
    }
    const byRow = radixSort(count, pair, spare);
    const other = byRow === pair ? spare : pair;
    for (let i = 0; i < count; i++) byRow.keys[i] = ordinals[byRow.values[i] ?? 0] ?? 0;
    const bySegment = radixSort(count, byRow, other);
    const last = bySegment === pair ? spare : pair;
    // Seconds since the first need fewer passes than seconds since 1970.
    let least = 0xffffffff;
    for (let i = 0; i < count; i++) least = Math.min(least, times[i] ?? 0);
    for (let i = 0; i < count; i++) bySegment.keys[i] = (times[bySegment.values[i] ?? 0] ?? 0) - least;
    return radixSort(count, bySegment, last).values;
  }
}

function picked<T extends Uint16Array | Uint32Array>(from: T, order: Uint32Array, into: T): T {
  for (let i = 0; i < order.length; i++) into[i] = from[order[i] ?? 0] ?? 0;
  return into;
}

interface Columns {
  readonly times: Uint32Array;
  readonly addresses: Uint32Array;
  readonly rows: Uint32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint16Array;
  readonly ordinals: Uint16Array;
}

/** All in one piece of memory: to ask for it costs more than to fill it, where hits are few. */
function columnsOf(room: number): Columns {
  const even = (room + 1) & ~1;
  const buffer = new ArrayBuffer(even * 20);
  return {
    times: new Uint32Array(buffer, 0, even),
    addresses: new Uint32Array(buffer, even * 4, even),
    rows: new Uint32Array(buffer, even * 8, even),
    lows: new Uint32Array(buffer, even * 12, even),
    highs: new Uint16Array(buffer, even * 16, even),
    ordinals: new Uint16Array(buffer, even * 18, even),
  };
}

export class HitBatch implements Batch {
  readonly times: Uint32Array;
  readonly addresses: Uint32Array;
  readonly #segments: readonly Segment[];
  readonly #columns: Columns;

  constructor(segments: readonly Segment[], columns: Columns) {
    this.times = columns.times;
    this.addresses = columns.addresses;
    this.#segments = segments;
    this.#columns = columns;
  }

  get count(): number {
    return this.times.length;
  }

  isOther(i: number): boolean {
    return (this.#low(i) & OTHER) !== 0;
  }

  addressText(i: number): string {
    return this.#segment(i).addressText(this.addresses[i] ?? 0, this.#low(i));
  }

  statusOf(i: number): number {
    return this.#segment(i).statusOf(this.#low(i));
  }

  sizeOf(i: number): number {
    return this.#segment(i).sizeOf(this.#low(i), this.#columns.highs[i] ?? 0);
  }

  line(i: number): Uint8Array {
    const { rows, highs } = this.#columns;
    return this.#segment(i).line(rows[i] ?? 0, this.times[i] ?? 0, this.addresses[i] ?? 0, this.#low(i), highs[i] ?? 0);
  }

  /** DamagedFile where a line could not be given back as it was written. */
  checkLines(): void {
    const { rows } = this.#columns;
    for (let i = 0; i < rows.length; i++) this.#segment(i).checkLine(rows[i] ?? 0, this.#low(i));
  }

  #low(i: number): number {
    return this.#columns.lows[i] ?? 0;
  }

  #segment(i: number): Segment {
    const segment = this.#segments[this.#columns.ordinals[i] ?? 0];
    if (segment === undefined) throw new RangeError(`hit ${i} is of no segment`);
    return segment;
  }
}
