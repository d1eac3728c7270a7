// From columns in memory to the two files of a segment: rows in order of time, and postings in order of address.
//
// A hot path, written for the machine (bench/logs.ts).

import { crc32 } from "node:zlib";
import { AddressSort } from "./address-sort.ts";
import { PostingsWriter } from "./postings-writer.ts";
import { OTHER, ROW_BYTES, type Shape } from "./row.ts";
import { SectionWriter } from "./section-file.ts";
import type { SegmentBuilder } from "./segment-builder.ts";
import { Sketch } from "./sketch.ts";
import { encodeTimes } from "./time-column.ts";
import { type TimeOrder, timeOrder } from "./time-order.ts";

/** Rows under one checksum. */
export const CHECKED_ROWS = 1024;
/** Bytes of two numbers of strings, 20 bits each. */
export const TAIL_BYTES = 5;

export interface SegmentAbout {
  readonly rows: number;
  readonly from: number;
  /** Time of the last row. */
  readonly to: number;
  readonly shapes: readonly Shape[];
  /** How much of what has limits it uses. */
  readonly used: Used;
}

interface Used {
  readonly strings: number;
  readonly stringBytes: number;
  readonly others: number;
  readonly largeSizes: number;
}

export interface WrittenSegment {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** Memory that writing needs, for the next segment too: new memory would have to be cleared for each. */
export class WriterScratch {
  readonly sort = new AddressSort();
  #order = new Uint32Array(0);
  #times = new Uint32Array(0);
  #cells = new Uint16Array(0);

  order(rows: number): TimeOrder {
    if (this.#order.length < rows) {
      this.#order = new Uint32Array(rows);
      this.#times = new Uint32Array(rows);
    }
    return { order: this.#order, times: this.#times };
  }

  cells(rows: number): Uint16Array<ArrayBuffer> {
    if (this.#cells.length < rows * 5) this.#cells = new Uint16Array(rows * 5);
    return this.#cells;
  }
}

/** `name`: path of both files without their endings. Both are on the disk when it returns. */
export function writeSegment(name: string, builder: SegmentBuilder, scratch = new WriterScratch()): WrittenSegment {
  const { rows } = builder;
  const { times, order } = builder.isOrdered
    ? { times: builder.times, order: undefined }
    : timeOrder(builder.times, rows, scratch.order(rows));
  const otherRanks = ranksOfOthers(builder);
  const file = new SectionWriter(`${name}.seg`);
  file.section("times", encodeTimes(times, rows));
  const cells = rowCells(builder, order, otherRanks.ranks, scratch.cells(rows));
  const rowBytes = new Uint8Array(cells.buffer, 0, rows * ROW_BYTES);
  file.section("rows", rowBytes);
  file.section("row-checks", checksOf(rowBytes, CHECKED_ROWS * ROW_BYTES));
  if (builder.tails !== undefined) {
    const tails = tailBytes(builder.tails, rows, order);
    file.section("tails", tails);
    file.section("tail-checks", checksOf(tails, CHECKED_ROWS * TAIL_BYTES));
  }
  const strings = builder.strings.encode();
  file.section("strings", ...strings.blocks);
  file.section("string-index", new Uint8Array(strings.index.buffer));
  if (builder.largeSizes.length > 0)
    file.section("sizes", new Uint8Array(Float64Array.from(builder.largeSizes).buffer));
  const sketch = new Sketch();
  if (otherRanks.keys.length > 0) writeOthers(file, builder, order, otherRanks);
  for (const key of otherRanks.keys) sketch.addOther(key);
  const postingsBytes = writePostings(name, rows, cells, sketch, scratch.sort);
  file.section("sketch", sketch.registers);
  const about: SegmentAbout = {
    rows,
    from: times[0] ?? 0,
    to: times[rows - 1] ?? 0,
    shapes: builder.shapes,
    used: builder.used,
  };
  const bytes = file.finish(about) + postingsBytes;
  return { rows, from: about.from, to: about.to, bytes };
}

interface OtherRanks {
  /** In order. */
  readonly keys: readonly string[];
  /** From the number an address got when it came to its place among the keys. */
  readonly ranks: Uint32Array;
}

function ranksOfOthers({ others }: SegmentBuilder): OtherRanks {
  const sorted = [...others].sort(([a], [b]) => (a < b ? -1 : 1));
  const ranks = new Uint32Array(sorted.length);
  sorted.forEach(([, number], rank) => {
    ranks[number] = rank;
  });
  return { keys: sorted.map(([key]) => key), ranks };
}

/** Five cells of 16 bits a row. */
function rowCells(
  builder: SegmentBuilder,
  order: Uint32Array | undefined,
  ranks: Uint32Array,
  cells: Uint16Array<ArrayBuffer>,
): Uint16Array<ArrayBuffer> {
  const { rows, addresses, lows, highs } = builder;
  for (let i = 0, at = 0; i < rows; i++, at += 5) {
    const row = order === undefined ? i : (order[i] ?? 0);
    const low = lows[row] ?? 0;
    const address = (low & OTHER) === 0 ? (addresses[row] ?? 0) : (ranks[addresses[row] ?? 0] ?? 0);
    cells[at] = address;
    cells[at + 1] = address >>> 16;
    cells[at + 2] = low;
    cells[at + 3] = low >>> 16;
    cells[at + 4] = highs[row] ?? 0;
  }
  return cells;
}

function tailBytes(tails: Uint32Array, rows: number, order: Uint32Array | undefined): Uint8Array {
  const bytes = new Uint8Array(rows * TAIL_BYTES);
  for (let i = 0, at = 0; i < rows; i++, at += TAIL_BYTES) {
    const row = order === undefined ? i : (order[i] ?? 0);
    const first = tails[row * 2] ?? 0;
    const second = tails[row * 2 + 1] ?? 0;
    bytes[at] = first;
    bytes[at + 1] = first >>> 8;
    bytes[at + 2] = (first >>> 16) | ((second & 15) << 4);
    bytes[at + 3] = second >>> 4;
    bytes[at + 4] = second >>> 12;
  }
  return bytes;
}

function checksOf(bytes: Uint8Array, each: number): Uint8Array {
  const checks = new Uint32Array(Math.ceil(bytes.length / each));
  for (let i = 0; i < checks.length; i++) checks[i] = crc32(bytes.subarray(i * each, (i + 1) * each));
  return new Uint8Array(checks.buffer);
}

/** Keys, one a line; where the rows of each begin; the rows. */
function writeOthers(
  file: SectionWriter,
  builder: SegmentBuilder,
  order: Uint32Array | undefined,
  others: OtherRanks,
): void {
  const rowsOf: number[][] = others.keys.map(() => []);
  for (let i = 0; i < builder.rows; i++) {
    const row = order === undefined ? i : (order[i] ?? 0);
    if (((builder.lows[row] ?? 0) & OTHER) !== 0) rowsOf[others.ranks[builder.addresses[row] ?? 0] ?? 0]?.push(i);
  }
  const starts = new Uint32Array(rowsOf.length + 1);
  rowsOf.forEach((rows, rank) => {
    starts[rank + 1] = (starts[rank] ?? 0) + rows.length;
  });
  file.section("other-keys", Buffer.from(others.keys.join("\n"), "utf8"));
  file.section("other-starts", new Uint8Array(starts.buffer));
  file.section("other-rows", new Uint8Array(Uint32Array.from(rowsOf.flat()).buffer));
}

function writePostings(name: string, rows: number, cells: Uint16Array, sketch: Sketch, sort: AddressSort): number {
  const writer = new PostingsWriter(`${name}.post`, sketch);
  sort.drainRows(cells, rows, writer);
  return writer.finish([basename(name)]);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
