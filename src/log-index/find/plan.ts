// How a question is answered from segments and postings: by which road, in which slices of time.
//
// Two roads: the postings of the addresses asked for, or the rows of the span, each looked at. The cheaper is taken, by
// what a posting and a row cost on a common computer; both give the same answer.

import type { Postings } from "../segment/postings.ts";
import type { Segment } from "../segment/segment.ts";
import type { Query } from "./query.ts";

/** What is open for reading; none of it changes. */
export interface Snapshot {
  readonly segments: readonly Segment[];
  readonly names: readonly string[];
  /** Each segment is in exactly one, but where that one is damaged. */
  readonly postings: readonly Postings[];
  readonly coverage: Coverage;
  readonly scratch: Scratch;
}

/** Which segments the postings are of: worked out once, since every question asks. */
export interface Coverage {
  /** For each of the postings, the ordinals of its segments in their order there; -1 for one that is not there any more. */
  readonly ordinals: readonly Int32Array[];
  /** By ordinal: 1 where postings have it. */
  readonly isCovered: Uint8Array;
}

export function coverageOf(names: readonly string[], postings: readonly Postings[]): Coverage {
  const ordinalOf = new Map(names.map((name, ordinal) => [name, ordinal]));
  const isCovered = new Uint8Array(names.length);
  const ordinals = postings.map(({ segments }) => Int32Array.from(segments, (name) => ordinalOf.get(name) ?? -1));
  for (const ordinal of ordinals.flatMap((each) => [...each])) if (ordinal >= 0) isCovered[ordinal] = 1;
  return { ordinals, isCovered };
}

/** Memory that every question uses again: a new array of this size would have to be cleared each time. */
export class Scratch {
  #cells = new Uint16Array(0);

  /** To be used before the next call. */
  cells(rows: number): Uint16Array<ArrayBuffer> {
    if (this.#cells.length < rows * 5) this.#cells = new Uint16Array(rows * 5);
    return this.#cells;
  }
}

/** The part of a segment that lies in a span of time. */
export interface Stretch {
  readonly ordinal: number;
  /** Rows from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
}

export interface Slice {
  readonly from: number;
  /** Not included. */
  readonly to: number;
  readonly stretches: readonly Stretch[];
}

export type Road = "postings" | "rows";

/** Rows that a slice has at most, but where one second has more. */
export const SLICE_ROWS = 1 << 16;
/** Entries of postings that are held at once. */
const HELD_ENTRIES = 1 << 19;

const NS_A_ROW = 8;
const NS_AN_ENTRY = 15;
const NS_A_LOOKUP = 4_000;

export function stretchesOf(snapshot: Snapshot, from: number, to: number): Stretch[] {
  const stretches: Stretch[] = [];
  snapshot.segments.forEach((segment, ordinal) => {
    if (segment.rows === 0 || segment.to < from || segment.from >= to) return;
    const first = segment.from >= from ? 0 : segment.times.firstAt(from);
    const end = segment.to < to ? segment.rows : segment.times.firstAt(to);
    if (first < end) stretches.push({ ordinal, first, end });
  });
  return stretches;
}

export function rowsIn(stretches: readonly Stretch[]): number {
  let rows = 0;
  for (const { first, end } of stretches) rows += end - first;
  return rows;
}

export interface Costs {
  readonly road: Road;
  /** Records at most. */
  readonly records: number;
  readonly ns: number;
}

export function costsOf(snapshot: Snapshot, query: Query, stretches: readonly Stretch[]): Costs {
  const rows = rowsIn(stretches);
  const byRows: Costs = { road: "rows", records: rows, ns: rows * NS_A_ROW };
  const { addresses } = query;
  if (addresses === undefined || snapshot.segments.length === 0) return byRows;
  const { ordinals, isCovered } = snapshot.coverage;
  if (stretches.some(({ ordinal }) => isCovered[ordinal] !== 1)) return byRows;
  const covering = snapshot.postings.filter((_, i) => touches(ordinals[i], stretches));
  const lookups = addresses.froms.length * covering.length * NS_A_LOOKUP;
  if (lookups >= byRows.ns) return byRows;
  let entries = 0;
  for (const postings of covering) {
    for (let i = 0; i < addresses.froms.length; i++) {
      entries += postings.atMost(addresses.froms[i] ?? 0, addresses.tos[i] ?? 0);
      if (entries > HELD_ENTRIES) return byRows;
    }
  }
  const ns = lookups + entries * NS_AN_ENTRY;
  return ns < byRows.ns ? { road: "postings", records: Math.min(rows, entries), ns } : byRows;
}

function touches(ordinals: Int32Array | undefined, stretches: readonly Stretch[]): boolean {
  if (ordinals === undefined) return false;
  for (const { ordinal } of stretches) if (ordinals.includes(ordinal)) return true;
  return false;
}

/** The span in slices of few rows each, in order; together they have every row of the span. */
export function* slicesOf(snapshot: Snapshot, from: number, to: number): Generator<Slice> {
  const stretches = stretchesOf(snapshot, from, to);
  if (stretches.length === 0) return;
  // What lies before the first row and after the last needs no slices.
  const starts = stretches.map(({ ordinal, first }) => snapshot.segments[ordinal]?.times.timeOf(first) ?? 0);
  const ends = stretches.map(({ ordinal, end }) => (snapshot.segments[ordinal]?.times.timeOf(end - 1) ?? 0) + 1);
  yield* split(snapshot, { from: Math.min(...starts), to: Math.max(...ends), stretches });
}

function* split(snapshot: Snapshot, slice: Slice): Generator<Slice> {
  if (slice.stretches.length === 0) return;
  if (rowsIn(slice.stretches) <= SLICE_ROWS || slice.to - slice.from <= 1) {
    yield slice;
    return;
  }
  const middle = Math.floor((slice.from + slice.to) / 2);
  yield* split(snapshot, { from: slice.from, to: middle, stretches: cut(snapshot, slice, slice.from, middle) });
  yield* split(snapshot, { from: middle, to: slice.to, stretches: cut(snapshot, slice, middle, slice.to) });
}

function cut(snapshot: Snapshot, slice: Slice, from: number, to: number): Stretch[] {
  return slice.stretches.flatMap(({ ordinal, first, end }) => {
    const times = snapshot.segments[ordinal]?.times;
    if (times === undefined) return [];
    const cutFirst = Math.max(first, from === slice.from ? first : times.firstAt(from));
    const cutEnd = Math.min(end, to === slice.to ? end : times.firstAt(to));
    return cutFirst < cutEnd ? [{ ordinal, first: cutFirst, end: cutEnd }] : [];
  });
}
