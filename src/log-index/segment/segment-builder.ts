// A segment while lines come in: columns in memory, put in order of time and written when it is full or wanted.
//
// A hot path, written for the machine (bench/logs.ts): typed arrays, nothing allocated for a line.

import type { Parsed } from "../parsing/parsed.ts";
import { hashOf } from "../parsing/string-hash.ts";
import { ARENA_LIMIT, DictionaryBuilder } from "./dictionary-builder.ts";
import { LARGE, ODD, OTHER, REQUEST_LIMIT, SEGMENT_ROWS, SHAPE_LIMIT, type Shape, SIZE_LIMIT } from "./row.ts";
import type { SegmentAbout } from "./segment-writer.ts";

/** Texts of shapes beyond this are no shapes but user names; such lines are kept whole. */
const HEAD_LIMIT = 200;

export class SegmentBuilder {
  readonly times: Uint32Array;
  readonly addresses: Uint32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint16Array;
  /** Two numbers of strings a row, which follow the size; absent while no line has any. */
  tails: Uint32Array | undefined;
  readonly strings: DictionaryBuilder;
  readonly others = new Map<string, number>();
  readonly largeSizes: number[] = [];
  readonly shapes: Shape[] = [];
  readonly #shapeNumbers = new Map<string, number>();
  readonly #limit: number;
  rows = 0;
  isOrdered = true;
  #lastTime = 0;
  // Shapes of lines with the head and zone of the one before, by status.
  readonly #head = new Uint8Array(HEAD_LIMIT);
  #headLength = -1;
  #zone = -1;
  #around = 0;
  readonly #sized = new Int16Array(1000).fill(-1);
  readonly #unsized = new Int16Array(1000).fill(-1);

  /** `limit`: rows of a full segment. */
  constructor(limit = SEGMENT_ROWS) {
    this.#limit = limit;
    this.times = new Uint32Array(limit);
    this.addresses = new Uint32Array(limit);
    this.lows = new Uint32Array(limit);
    this.highs = new Uint16Array(limit);
    this.strings = new DictionaryBuilder(REQUEST_LIMIT);
  }

  /** As if newly made, but for the memory that it has: new memory would have to be cleared for each segment. */
  clear(): void {
    this.rows = 0;
    this.isOrdered = true;
    this.tails = undefined;
    this.strings.clear();
    this.others.clear();
    this.largeSizes.length = 0;
    this.shapes.length = 0;
    this.#shapeNumbers.clear();
    this.#lastTime = 0;
    this.#headLength = -1;
    this.#around = 0;
    this.#sized.fill(-1);
    this.#unsized.fill(-1);
  }

  get isFull(): boolean {
    return (
      this.rows === this.#limit ||
      this.strings.isFull ||
      this.largeSizes.length === SIZE_LIMIT ||
      this.others.size >= REQUEST_LIMIT
    );
  }

  get used(): SegmentAbout["used"] {
    const { strings, others, largeSizes } = this;
    return { strings: strings.count, stringBytes: strings.bytes, others: others.size, largeSizes: largeSizes.length };
  }

  /** Whether all lines of a segment fit besides those that are there. */
  fits({ rows, used }: SegmentAbout): boolean {
    const { strings, stringBytes, others, largeSizes } = this.used;
    return (
      this.rows + rows <= this.#limit &&
      strings + used.strings <= REQUEST_LIMIT &&
      stringBytes + used.stringBytes <= ARENA_LIMIT &&
      others + used.others <= REQUEST_LIMIT &&
      largeSizes + used.largeSizes <= SIZE_LIMIT
    );
  }

  /** A line of bytes[from, to) and what a parser found in it. Only while not full. */
  add(b: Uint8Array, from: number, to: number, parsed: Parsed): void {
    const row = this.rows++;
    const { time } = parsed;
    this.times[row] = time;
    if (time < this.#lastTime) this.isOrdered = false;
    this.#lastTime = time;
    let low = 0;
    if (parsed.other === "") this.addresses[row] = parsed.address;
    else {
      let number = this.others.get(parsed.other);
      if (number === undefined) {
        number = this.others.size;
        this.others.set(parsed.other, number);
      }
      this.addresses[row] = number;
      low |= OTHER;
    }
    let shape = parsed.exact ? this.#shapeOf(b, parsed) : -1;
    if (shape < 0) {
      shape = this.#oddShape(parsed);
      low |= ODD | this.strings.add(b, from, to);
    } else {
      const { requestFrom, requestTo } = parsed;
      const hash = parsed.around === 0 ? hashOf(b, requestFrom, requestTo) : parsed.requestHash;
      low |= this.strings.addHashed(hash, b, requestFrom, requestTo);
      if (parsed.tailFrom < to) this.#addTail(row, b, parsed.tailFrom, to);
    }
    let size = parsed.size < 0 ? 0 : parsed.size;
    if (size >= SIZE_LIMIT) {
      this.largeSizes.push(size);
      size = this.largeSizes.length - 1;
      low |= LARGE;
    }
    this.lows[row] = low | (shape << 20) | (size >= 65536 ? 1 << 31 : 0);
    this.highs[row] = size & 0xffff;
  }

  /** `"referer" "agent"`: up to the second quote, and what follows. */
  #addTail(row: number, b: Uint8Array, from: number, to: number): void {
    let at = from;
    if (b[at] === 32 && b[at + 1] === 34) {
      at += 2;
      for (; at < to; at++) {
        if (b[at] === 34) break;
        if (b[at] === 92) at++;
      }
      at = Math.min(at + 1, to);
    } else at = to;
    this.tails ??= new Uint32Array(this.#limit * 2);
    this.tails[row * 2] = this.strings.add(b, from, at);
    this.tails[row * 2 + 1] = at < to ? this.strings.add(b, at, to) : 0;
  }

  /** -1 where there are too many. */
  #shapeOf(b: Uint8Array, parsed: Parsed): number {
    if (parsed.around === 0 || parsed.around !== this.#around) {
      if (!this.#lookAround(b, parsed)) return -1;
      this.#around = parsed.around;
    }
    const known = parsed.size < 0 ? this.#unsized : this.#sized;
    const found = known[parsed.status] ?? -1;
    if (found >= 0) return found;
    const number = this.#newShape({
      head: latin1(b, parsed.headFrom, parsed.headTo),
      zone: latin1(b, parsed.zoneFrom, parsed.zoneTo),
      zoneMinutes: parsed.zoneMinutes,
      status: parsed.status,
      isSized: parsed.size >= 0,
    });
    if (number >= 0) known[parsed.status] = number;
    return number;
  }

  /** Whether the head and zone are such that there may be shapes of them; what is remembered is of them from then on. */
  #lookAround(b: Uint8Array, parsed: Parsed): boolean {
    const { headFrom, headTo, zoneFrom } = parsed;
    const length = headTo - headFrom;
    if (length > HEAD_LIMIT) return false;
    const zone =
      (((b[zoneFrom + 1] ?? 0) << 24) |
        ((b[zoneFrom + 2] ?? 0) << 16) |
        ((b[zoneFrom + 3] ?? 0) << 8) |
        (b[zoneFrom + 4] ?? 0)) ^
      (b[zoneFrom] === 45 ? 0xff : 0);
    let same = length === this.#headLength && zone === this.#zone;
    const head = this.#head;
    for (let i = 0; same && i < length; i++) same = head[i] === b[headFrom + i];
    if (!same) {
      for (let i = 0; i < length; i++) head[i] = b[headFrom + i] ?? 0;
      this.#headLength = length;
      this.#zone = zone;
      this.#sized.fill(-1);
      this.#unsized.fill(-1);
    }
    return true;
  }

  /** The last of the shapes are left to lines that are kept whole, of which nothing but the status counts. */
  #oddShape({ status, size }: Parsed): number {
    const shape = { head: "", zone: "", zoneMinutes: 0, status, isSized: size >= 0 };
    const number = this.#newShape(shape, SHAPE_LIMIT);
    return number >= 0 ? number : Math.max(0, this.#newShape({ ...shape, status: 0 }, SHAPE_LIMIT));
  }

  #newShape(shape: Shape, limit = SHAPE_LIMIT - 64): number {
    const key = JSON.stringify(shape);
    const found = this.#shapeNumbers.get(key);
    if (found !== undefined) return found;
    if (this.shapes.length >= limit) return -1;
    this.shapes.push(shape);
    this.#shapeNumbers.set(key, this.shapes.length - 1);
    return this.shapes.length - 1;
  }
}

function latin1(b: Uint8Array, from: number, to: number): string {
  return Buffer.from(b.buffer, b.byteOffset + from, to - from).toString("latin1");
}
