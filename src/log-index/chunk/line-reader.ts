// Lines out of parts of bytes, fed to a parser; what is no record is counted and never stops the reading.
//
// A hot path, written for the machine (bench/logs.ts).
//
// A line counts once its end was written: what stands after the last newline waits for the rest of it. In packed files,
// which do not grow, the last line needs no end.

import { type LineParser, newParsed, type Parsed } from "../parsing/parsed.ts";

/** A longer line is no record. */
export const LINE_LIMIT = 4 << 20;

/** A line is read the quick way only where so many bytes follow its newline, itself among them. */
const SLACK_BYTES = 4;

const NOTHING = new Uint8Array(0);

export interface LineSink {
  /** A record: bytes[from, to). False where it has no room; it is offered again after `makeRoom`. */
  hasRoom(): boolean;
  makeRoom(): void;
  take(bytes: Uint8Array, from: number, to: number, parsed: Parsed): void;
  /** A line that is none. */
  refuse(why: string): void;
  /** So many bytes are done with: everything before them was taken or refused. */
  passed(bytes: number): void;
}

export class LineReader {
  readonly #parser: LineParser;
  readonly #sink: LineSink;
  readonly #parsed = newParsed();
  #rest = NOTHING;
  /** Within a line that is too long: its bytes so far are gone. */
  #skipping = false;

  constructor(parser: LineParser, sink: LineSink) {
    this.#parser = parser;
    this.#sink = sink;
  }

  /** Bytes that wait for the end of their line. */
  get pending(): number {
    return this.#rest.length;
  }

  push(part: Uint8Array): void {
    let from = 0;
    if (this.#skipping) {
      const end = part.indexOf(10);
      if (end < 0) {
        this.#sink.passed(part.length);
        return;
      }
      this.#skipping = false;
      this.#sink.passed(end + 1);
      from = end + 1;
    } else if (this.#rest.length > 0) {
      // The line that began in the part before, put together.
      const end = part.indexOf(10);
      const line = joined(this.#rest, end < 0 ? part : part.subarray(0, end));
      this.#rest = NOTHING;
      if (end < 0) {
        this.#keep(line);
        return;
      }
      this.#line(line, 0, line.length);
      this.#sink.passed(line.length + 1);
      from = end + 1;
    }
    const done = this.#lines(part, from);
    // A copy: the bytes are overwritten by the next part. (`slice` of a Buffer would be none.)
    this.#keep(new Uint8Array(part.subarray(done)));
  }

  #keep(rest: Uint8Array<ArrayBuffer>): void {
    this.#rest = rest;
    if (rest.length <= LINE_LIMIT) return;
    this.#sink.refuse(`is longer than ${LINE_LIMIT} bytes`);
    this.#sink.passed(rest.length);
    this.#rest = NOTHING;
    this.#skipping = true;
  }

  /** What is left is a line too. */
  end(): void {
    const rest = this.#rest;
    this.#rest = NOTHING;
    if (rest.length > 0) this.#line(rest, 0, rest.length);
    this.#sink.passed(rest.length);
  }

  #lines(bytes: Uint8Array, start: number): number {
    let from = this.#usual(bytes, start);
    for (;;) {
      const end = bytes.indexOf(10, from);
      if (end < 0) return from;
      this.#line(bytes, from, end);
      this.#sink.passed(end + 1 - from);
      from = end + 1;
    }
  }

  /** As long as a whole line stands there with some bytes behind it, the quick way is tried first. */
  #usual(bytes: Uint8Array, start: number): number {
    const parser = this.#parser;
    if (parser.quick === undefined || bytes.length < start + SLACK_BYTES) return start;
    const sink = this.#sink;
    const parsed = this.#parsed;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const fence = bytes.lastIndexOf(10, bytes.length - SLACK_BYTES);
    let from = start;
    while (from <= fence) {
      const next = parser.skip?.(bytes, view, from, fence) ?? from;
      if (next > from) {
        sink.passed(next - from);
        from = next;
        if (from > fence) break;
      }
      let end = parser.quick(bytes, view, from, parsed);
      if (end < 0) {
        end = bytes.indexOf(10, from);
        this.#line(bytes, from, end);
      } else {
        if (!sink.hasRoom()) sink.makeRoom();
        sink.take(bytes, from, end, parsed);
      }
      sink.passed(end + 1 - from);
      from = end + 1;
    }
    return from;
  }

  #line(bytes: Uint8Array, from: number, to: number): void {
    // Blank lines are neither records nor wrong.
    if (to === from || (to === from + 1 && bytes[from] === 13)) return;
    const sink = this.#sink;
    const why = this.#parser.parse(bytes, from, to, this.#parsed);
    if (why !== undefined) {
      sink.refuse(why);
      return;
    }
    if (!sink.hasRoom()) sink.makeRoom();
    sink.take(bytes, from, to, this.#parsed);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
