// A segment that is read: nothing of it is in memory before it is first needed.

import { crc32 } from "node:zlib";
import { formatIpv4, formatOther } from "../records/address.ts";
import { formatLogTime } from "../records/time.ts";
import { LARGE, ODD, OTHER, ROW_BYTES, requestOf, type Shape, shapeOf, sizeOf } from "./row.ts";
import { DamagedFile, SectionFile } from "./section-file.ts";
import { CHECKED_ROWS, type SegmentAbout, TAIL_BYTES } from "./segment-writer.ts";
import { Sketch } from "./sketch.ts";
import { Strings } from "./strings.ts";
import { TimeColumn } from "./time-column.ts";

/** Addresses that are no IPv4, in the order of their keys, with the rows of each. */
export interface Others {
  readonly keys: readonly string[];
  readonly starts: Uint32Array;
  readonly rows: Uint32Array;
}

export class Segment {
  readonly file: SectionFile;
  readonly rows: number;
  readonly from: number;
  /** Time of the last row. */
  readonly to: number;
  readonly shapes: readonly Shape[];
  readonly about: SegmentAbout;
  readonly strings: Strings;
  #times: TimeColumn | undefined;
  #others: Others | undefined;
  #sizes: Float64Array | undefined;
  #rowChecks: Checks | undefined;
  #tailChecks: Checks | undefined;
  readonly #one = new Uint16Array(ROW_BYTES / 2);
  readonly #oneBytes = new Uint8Array(this.#one.buffer);
  readonly #tail = new Uint8Array(TAIL_BYTES);
  readonly #hasTails: boolean;

  constructor(path: string) {
    this.file = new SectionFile(path);
    // The trailer's checksum vouches that writeSegment wrote it.
    const about = this.file.about as SegmentAbout;
    this.about = about;
    this.rows = about.rows;
    this.from = about.from;
    this.to = about.to;
    this.shapes = about.shapes;
    this.strings = new Strings(this.file);
    this.#hasTails = this.file.has("tails");
  }

  get times(): TimeColumn {
    this.#times ??= new TimeColumn(this.file.read("times"));
    return this.#times;
  }

  get others(): Others {
    if (this.#others === undefined) {
      const keys = this.file.read("other-keys").toString("utf8");
      this.#others = {
        keys: keys === "" ? [] : keys.split("\n"),
        starts: words(this.file.read("other-starts")),
        rows: words(this.file.read("other-rows")),
      };
    }
    return this.#others;
  }

  get hasOthers(): boolean {
    return this.file.has("other-keys");
  }

  get sketch(): Sketch {
    return new Sketch(this.file.read("sketch"));
  }

  /** Rows [from, to) as five cells of 16 bits each (row.ts), in an array that begins with them. */
  readRows(from: number, to: number, into: Uint16Array): void {
    this.#rowChecks ??= new Checks(this.file, "rows", ROW_BYTES, this.rows);
    const bytes = new Uint8Array(into.buffer, into.byteOffset, (to - from) * ROW_BYTES);
    this.#rowChecks.read(from, to, bytes);
  }

  /** The five cells of one row; to be used before the next call. */
  readRow(row: number): Uint16Array {
    this.#rowChecks ??= new Checks(this.file, "rows", ROW_BYTES, this.rows);
    this.#rowChecks.read(row, row + 1, this.#oneBytes);
    return this.#one;
  }

  addressText(address: number, low: number): string {
    return (low & OTHER) === 0 ? formatIpv4(address) : formatOther(this.others.keys[address] ?? "h:");
  }

  /** -1 where the line has none. */
  sizeOf(low: number, high: number): number {
    if (this.shapes[shapeOf(low)]?.isSized !== true) return -1;
    const size = sizeOf(low, high);
    if ((low & LARGE) === 0) return size;
    if (this.#sizes === undefined) {
      const bytes = this.file.read("sizes");
      this.#sizes = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    }
    return this.#sizes[size] ?? -1;
  }

  statusOf(low: number): number {
    return this.shapes[shapeOf(low)]?.status ?? 0;
  }

  /** DamagedFile where `line` of the row would meet what is not as it was written. */
  checkLine(row: number, low: number): void {
    if ((low & LARGE) !== 0) this.sizeOf(low, 0);
    if ((low & OTHER) !== 0) this.others;
    this.strings.check(requestOf(low));
    if ((low & ODD) !== 0 || !this.#hasTails) return;
    const { first, second } = this.#tailOf(row);
    this.strings.check(first);
    this.strings.check(second);
  }

  /** The whole line as it was read, byte by byte, without its end. */
  line(row: number, time: number, address: number, low: number, high: number): Buffer {
    const request = this.strings.at(requestOf(low));
    if ((low & ODD) !== 0) return request;
    const shape = this.shapes[shapeOf(low)];
    if (shape === undefined) throw new DamagedFile(this.file.path, `row ${row} has a shape that is not there`);
    const moment = formatLogTime(time, shape.zoneMinutes);
    const before = `${this.addressText(address, low)}${shape.head}[${moment} ${shape.zone}] "`;
    const status = String(shape.status).padStart(3, "0");
    const after = `" ${status} ${shape.isSized ? this.sizeOf(low, high) : "-"}`;
    const parts = [Buffer.from(before, "latin1"), request, Buffer.from(after, "latin1")];
    if (this.#hasTails) {
      const { first, second } = this.#tailOf(row);
      parts.push(this.strings.at(first), this.strings.at(second));
    }
    return Buffer.concat(parts);
  }

  /** Numbers of the strings that follow the size. */
  #tailOf(row: number): { readonly first: number; readonly second: number } {
    this.#tailChecks ??= new Checks(this.file, "tails", TAIL_BYTES, this.rows);
    this.#tailChecks.read(row, row + 1, this.#tail);
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = this.#tail;
    return { first: a | (b << 8) | ((c & 15) << 16), second: (c >>> 4) | (d << 4) | (e << 12) };
  }

  /** What it keeps in memory is given back; it can be used on. */
  forget(): void {
    this.#times = undefined;
    this.#others = undefined;
    this.strings.forget();
  }

  close(): void {
    this.file.close();
  }
}

/** A section of equal items that is read in parts: a block of them is checked when it is first touched. */
class Checks {
  readonly #file: SectionFile;
  readonly #name: string;
  readonly #itemBytes: number;
  readonly #items: number;
  readonly #sums: Uint32Array;
  readonly #checked: Uint8Array;

  constructor(file: SectionFile, name: "rows" | "tails", itemBytes: number, items: number) {
    this.#file = file;
    this.#name = name;
    this.#itemBytes = itemBytes;
    this.#items = items;
    this.#sums = words(file.read(name === "rows" ? "row-checks" : "tail-checks"));
    this.#checked = new Uint8Array(this.#sums.length);
  }

  read(from: number, to: number, into: Uint8Array): void {
    for (let block = Math.floor(from / CHECKED_ROWS); block * CHECKED_ROWS < to; block++) {
      if (this.#checked[block] === 0) this.#check(block);
    }
    this.#file.readPart(this.#name, from * this.#itemBytes, (to - from) * this.#itemBytes, into);
  }

  #check(block: number): void {
    const first = block * CHECKED_ROWS;
    const bytes = Buffer.allocUnsafe(Math.min(CHECKED_ROWS, this.#items - first) * this.#itemBytes);
    this.#file.readPart(this.#name, first * this.#itemBytes, bytes.length, bytes);
    if (crc32(bytes) !== this.#sums[block])
      throw new DamagedFile(this.#file.path, `the checksum of ${this.#name} from ${first} on is another`);
    this.#checked[block] = 1;
  }
}

function words(bytes: Buffer<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
