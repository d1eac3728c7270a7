// From columns in memory to the two files of a segment: rows in order of time, and postings in order of address.
//
// A hot path, written for the machine (bench/logs.ts).

import { crc32 } from "node:zlib";
import { AddressSort } from "./address-sort.ts";
import { PostingsWriter } from "./postings-writer.ts";
import { radixSort } from "./radix.ts";
import { OTHER, ROW_BYTES, type Shape } from "./row.ts";
import { SectionWriter } from "./section-file.ts";
import type { SegmentBuilder } from "./segment-builder.ts";
import { Sketch } from "./sketch.ts";
import { encodeTimes } from "./time-column.ts";

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

/** `name`: path of both files without their endings. Both are on the disk when it returns. `sort` may be used again. */
export function writeSegment(name: string, builder: SegmentBuilder, sort = new AddressSort()): WrittenSegment {
  const { rows } = builder;
  const order = timeOrder(builder);
  const times = order === undefined ? builder.times : picked(builder.times, order);
  const otherRanks = ranksOfOthers(builder);
  const file = new SectionWriter(`${name}.seg`);
  file.section("times", encodeTimes(times, rows));
  const cells = rowCells(builder, order, otherRanks.ranks);
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
  const postingsBytes = writePostings(name, rows, cells, sketch, sort);
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

/** Undefined where the rows came in order. Rows of the same second stay as they came. */
function timeOrder({ rows, times, isOrdered }: SegmentBuilder): Uint32Array | undefined {
  if (isOrdered) return undefined;
  const first = times.subarray(0, rows).reduce((least, time) => Math.min(least, time), 0xffffffff);
  const keys = new Uint32Array(rows);
  const values = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    keys[row] = (times[row] ?? 0) - first;
    values[row] = row;
  }
  const spare = { keys: new Uint32Array(rows), values: new Uint32Array(rows) };
  return radixSort(rows, { keys, values }, spare).values;
}

function picked(column: Uint32Array, order: Uint32Array): Uint32Array {
  const into = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) into[i] = column[order[i] ?? 0] ?? 0;
  return into;
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
): Uint16Array<ArrayBuffer> {
  const { rows, addresses, lows, highs } = builder;
  const cells = new Uint16Array(rows * 5);
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
  for (let row = 0, at = 0; row < rows; row++, at += 5) {
    if (((cells[at + 3] ?? 0) & (OTHER >>> 16)) !== 0) continue;
    const address = (cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16);
    sort.add(address, row, (cells[at + 2] ?? 0) | ((cells[at + 3] ?? 0) << 16), cells[at + 4] ?? 0);
  }
  const writer = new PostingsWriter(`${name}.post`);
  let last = -1;
  sort.drain({
    add(address, row, low, high) {
      if (address !== last) sketch.addV4(address);
      last = address;
      writer.add(address, row, low, high);
    },
  });
  return writer.finish([basename(name)]);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
