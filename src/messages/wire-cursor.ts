// A place in protobuf's wire format that moves forward as long as what stands there is sound and ordinary.
//
// Hot path (bench/codec.ts): nothing throws and nothing is allocated; false, undefined or a negative number says that somebody
// more patient must read the bytes from their start (see decode.ts).

import { textIn } from "./utf8.ts";

// Views on the same bits, to put numbers together without allocation: written and read within one call.
const longs = new BigInt64Array(1);
const unsignedLongs = new BigUint64Array(longs.buffer);
const doubles = new Float64Array(longs.buffer);
const halves = new Uint32Array(longs.buffer);
const LOW = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

const NOTHING = new Uint8Array(0);

export class WireCursor {
  #bytes: Uint8Array = NOTHING;
  #position = 0;
  #end = 0;
  /** The tag that was read last: of the field whose value stands at the cursor. 0 at the end, which no field has. */
  tag = 0;

  /** At the first field of a message. Where its tag is none, the cursor has ended without being at the end. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#position = 0;
    this.#end = bytes.length;
    if (!this.next()) this.tag = BROKEN;
  }

  /** Lets go of the bytes. */
  end(): void {
    this.#bytes = NOTHING;
    this.#end = 0;
  }

  /** No field is left: all has been read. */
  get ended(): boolean {
    return this.tag === 0;
  }

  get atEnd(): boolean {
    return this.#position === this.#end;
  }

  /** Reads the next tag. False where none can be read; true also at the end. */
  next(): boolean {
    if (this.#position === this.#end) {
      this.tag = 0;
      return true;
    }
    const tag = this.varint();
    // Numbers below 8 have no field; larger ones than 2^28 have five bytes, which is seldom enough.
    if (tag < 8 || tag > 0x0fffffff) return false;
    this.tag = tag;
    return true;
  }

  /** Narrows the cursor to the length-delimited value that stands here. Answers what `leave` needs; negative: it does not fit. */
  enter(): number {
    const length = this.varint();
    if (length < 0 || length > this.#end - this.#position) return -1;
    const outer = this.#end;
    this.#end = this.#position + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** A whole number below 2^32; negative where it is larger, or none. */
  varint(): number {
    const bytes = this.#bytes;
    let position = this.#position;
    let value = 0;
    let scale = 1;
    while (position < this.#end) {
      const byte = bytes[position++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#position = position;
        return value > 0xffffffff ? -1 : value;
      }
      if (scale > 0x10000000) return -1;
      scale *= 128;
    }
    return -1;
  }

  /** Undefined where it is no varint of at most ten bytes; what is above 64 bits is dropped. */
  long(signed: boolean): bigint | undefined {
    return this.#long() ? (signed ? longs[0] : unsignedLongs[0]) : undefined;
  }

  /** The low half of a varint. */
  int32(): number | undefined {
    return this.#long() ? (halves[LOW] as number) | 0 : undefined;
  }

  /** Zigzag. */
  sint64(): bigint | undefined {
    if (!this.#long()) return undefined;
    const zigzag = unsignedLongs[0] as bigint;
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  fixed32(): number | undefined {
    const at = this.#position;
    if (this.#end - at < 4) return undefined;
    this.#position = at + 4;
    return word(this.#bytes, at);
  }

  fixed64(signed: boolean): bigint | undefined {
    return this.#fixed64() ? (signed ? longs[0] : unsignedLongs[0]) : undefined;
  }

  float(): number | undefined {
    const bits = this.fixed32();
    if (bits === undefined) return undefined;
    floatBits[0] = bits;
    return floats[0];
  }

  double(): number | undefined {
    return this.#fixed64() ? doubles[0] : undefined;
  }

  text(): string | undefined {
    const length = this.varint();
    const at = this.#position;
    if (length < 0 || length > this.#end - at) return undefined;
    this.#position = at + length;
    return length === 0 ? "" : textIn(this.#bytes, at, length);
  }

  /** A window on what is read, not a copy. */
  bytes(): Uint8Array | undefined {
    const length = this.varint();
    const at = this.#position;
    if (length < 0 || length > this.#end - at) return undefined;
    this.#position = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  #fixed64(): boolean {
    const at = this.#position;
    if (this.#end - at < 8) return false;
    halves[LOW] = word(this.#bytes, at);
    halves[HIGH] = word(this.#bytes, at + 4);
    this.#position = at + 8;
    return true;
  }

  /** Into `longs`. */
  #long(): boolean {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) return false;
      const byte = this.#bytes[this.#position++] as number;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high |= part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) {
        halves[LOW] = low;
        halves[HIGH] = high;
        return true;
      }
    }
    return false;
  }
}

/** A tag that no field has, and that is not the end. */
const BROKEN = 1;

/** The caller has seen that four bytes are there. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
