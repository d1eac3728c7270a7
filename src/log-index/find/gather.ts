// Finding in a snapshot: the rows of a slice, or the entries of postings, as a batch in order.
//
// A hot path, written for the machine (bench/logs.ts); the reference in find.test.ts is the plain scan of all lines.

import type { AddressSet } from "../records/address-set.ts";
import type { PostingsSink } from "../segment/postings.ts";
import { OTHER } from "../segment/row.ts";
import type { Segment } from "../segment/segment.ts";
import { type HitBatch, Hits } from "./hits.ts";
import { rowsIn, type Slice, type Snapshot, type Stretch } from "./plan.ts";

/** Hits that there is room for at once: most questions find few. */
const FEW = 64;
/** What postings say at most is more than there is, so no more room than this is made for it at once. */
const SOME = 1 << 14;
const NONE = new Int32Array(0);

/** Rows read at once. */
const READ_ROWS = 1 << 15;

/** Every row of the slice whose address is asked for. */
export function gatherRows(snapshot: Snapshot, slice: Slice, addresses: AddressSet | undefined): HitBatch {
  const rows = slice.stretches.reduce((most, { first, end }) => Math.max(most, end - first), 0);
  const hits = new Hits(snapshot.segments, addresses === undefined ? rowsIn(slice.stretches) : Math.min(rows, FEW));
  const cells = snapshot.scratch.cells(Math.min(rows, READ_ROWS));
  for (const stretch of slice.stretches) {
    const segment = snapshot.segments[stretch.ordinal];
    if (segment === undefined) continue;
    const before = hits.count;
    for (let from = stretch.first; from < stretch.end; from += READ_ROWS) {
      const to = Math.min(from + READ_ROWS, stretch.end);
      segment.readRows(from, to, cells);
      if (addresses === undefined) takeAll(cells, from, to, stretch.ordinal, hits);
      else takeAsked({ cells, from, to, ordinal: stretch.ordinal, hits, addresses, segment });
    }
    setTimes(segment, stretch, hits, before);
  }
  return hits.batch();
}

function takeAll(cells: Uint16Array, from: number, to: number, ordinal: number, hits: Hits): void {
  for (let row = from, at = 0; row < to; row++, at += 5) {
    const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
    hits.add(ordinal, row, address, ((cells[at + 2] ?? 0) | ((cells[at + 3] ?? 0) << 16)) >>> 0, cells[at + 4] ?? 0);
  }
}

interface Asked {
  readonly cells: Uint16Array;
  readonly from: number;
  readonly to: number;
  readonly ordinal: number;
  readonly hits: Hits;
  readonly addresses: AddressSet;
  readonly segment: Segment;
}

function takeAsked({ cells, from, to, ordinal, hits, addresses, segment }: Asked): void {
  const otherBit = OTHER >>> 16;
  for (let row = from, at = 0; row < to; row++, at += 5) {
    const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
    const isOther = ((cells[at + 3] ?? 0) & otherBit) !== 0;
    if (isOther ? !addresses.hasOther(segment.others.keys[address] ?? "") : !addresses.hasV4(address)) continue;
    hits.add(ordinal, row, address, ((cells[at + 2] ?? 0) | ((cells[at + 3] ?? 0) << 16)) >>> 0, cells[at + 4] ?? 0);
  }
}

/** Hits from `before` on are rows of one stretch in order. */
function setTimes(segment: Segment, { first, end }: Stretch, hits: Hits, before: number): void {
  const found = hits.count - before;
  if (found === end - first) segment.times.decode(first, end, hits.times, before);
  else segment.times.timesOf(hits.rows, before, hits.count, hits.times);
}

/** Every entry of the addresses that lies in one of the stretches. */
export function gatherPostings(
  snapshot: Snapshot,
  stretches: readonly Stretch[],
  addresses: AddressSet,
  atMost: number,
): HitBatch {
  const hits = new Hits(snapshot.segments, Math.min(atMost, SOME));
  const stretchOf: (Stretch | undefined)[] = [];
  for (const stretch of stretches) stretchOf[stretch.ordinal] = stretch;
  snapshot.postings.forEach((postings, i) => {
    const sink = new StretchSink(snapshot.coverage.ordinals[i], stretchOf, hits);
    if (sink.isEmpty) return;
    const { froms, tos } = addresses;
    for (let k = 0; k < froms.length; k++) postings.find(froms[k] ?? 0, tos[k] ?? 0, sink);
  });
  if (addresses.others.length > 0) for (const stretch of stretches) gatherOthers(snapshot, stretch, addresses, hits);
  // Entries of one address come segment by segment.
  for (let from = 0, to = 0; from < hits.count; from = to) {
    const ordinal = hits.ordinals[from] ?? 0;
    while (to < hits.count && hits.ordinals[to] === ordinal) to++;
    snapshot.segments[ordinal]?.times.timesOf(hits.rows, from, to, hits.times);
  }
  return hits.batch();
}

/** Lets through what lies in a stretch. */
class StretchSink implements PostingsSink {
  readonly #hits: Hits;
  readonly #ordinals: Int32Array;
  readonly #firsts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly isEmpty: boolean;

  /** `ordinals`: of the segments of the postings, in their order there. */
  constructor(ordinals: Int32Array = NONE, stretchOf: readonly (Stretch | undefined)[], hits: Hits) {
    this.#hits = hits;
    this.#ordinals = ordinals;
    this.#firsts = new Uint32Array(ordinals.length);
    this.#ends = new Uint32Array(ordinals.length);
    let isEmpty = true;
    for (let i = 0; i < ordinals.length; i++) {
      const stretch = stretchOf[ordinals[i] ?? -1];
      if (stretch === undefined) continue;
      isEmpty = false;
      this.#firsts[i] = stretch.first;
      this.#ends[i] = stretch.end;
    }
    this.isEmpty = isEmpty;
  }

  add(address: number, place: number, low: number, high: number): void {
    const segment = place >>> 20;
    const row = place & 0xfffff;
    if (row < (this.#firsts[segment] ?? 0) || row >= (this.#ends[segment] ?? 0)) return;
    this.#hits.add(this.#ordinals[segment] ?? 0, row, address, low, high);
  }
}

function gatherOthers(snapshot: Snapshot, { ordinal, first, end }: Stretch, addresses: AddressSet, hits: Hits): void {
  const segment = snapshot.segments[ordinal];
  if (segment?.hasOthers !== true) return;
  const { keys, starts, rows } = segment.others;
  for (const { from, to } of addresses.others) {
    for (let number = firstKey(keys, from); number < keys.length && (keys[number] ?? "") <= to; number++) {
      for (let i = starts[number] ?? 0; i < (starts[number + 1] ?? 0); i++) {
        const row = rows[i] ?? 0;
        if (row < first || row >= end) continue;
        const cells = segment.readRow(row);
        hits.add(ordinal, row, number, ((cells[2] ?? 0) | ((cells[3] ?? 0) << 16)) >>> 0, cells[4] ?? 0);
      }
    }
  }
}

function firstKey(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
