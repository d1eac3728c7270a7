// Writes protobuf's wire format into slabs: one allocation serves many messages, and each is a slice of its own.
//
// Hot path (bench/codec.ts): no closure, no intermediate array, one view per finished message.
// What it hands out is never written again, so whoever gets it owns it. It shares its ArrayBuffer with its neighbours:
// a slice that is kept for long keeps up to SLAB_BYTES alive; copy what is kept for long.
//
// Invariants
//   I1. Bytes before `#free` belong to finished messages and are never written again.
//   I2. A message that needs more than the slab has is moved as a whole, so it always lies in one piece.
//   I3. A message larger than LARGE_BYTES gets memory of its own and leaves the slab to the small ones.

import { newSlab } from "./byte-slab.ts";

const SLAB_BYTES = 64 * 1024;
const LARGE_BYTES = 16 * 1024;

// Views on the same bits, to take numbers apart without allocation: written and read within one call.
const longs = new BigInt64Array(1);
const doubles = new Float64Array(longs.buffer);
const halves = new Uint32Array(longs.buffer);
const LOW = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

/** Longest text written byte by byte; longer ones are quicker through the engine's own encoder. */
const SHORT_TEXT = 32;

export class WireWriter {
  #slab = newSlab(SLAB_BYTES);
  #free = 0;

  #bytes = this.#slab;
  #buffer = Buffer.from(this.#slab.buffer);
  #slabBuffer = this.#buffer;
  #start = 0;
  #position = 0;

  /** Starts a message; one that was begun and not finished is forgotten. */
  begin(): void {
    this.#bytes = this.#slab;
    this.#buffer = this.#slabBuffer;
    this.#start = this.#free;
    this.#position = this.#free;
  }

  /** The message written since `begin`. */
  finish(): Uint8Array {
    const { length } = this;
    const message = new Uint8Array(this.#bytes.buffer, this.#start, length);
    if (this.#bytes === this.#slab) this.#free = this.#position;
    return message;
  }

  /** Bytes of the message so far. */
  get length(): number {
    return this.#position - this.#start;
  }

  /** A whole number of 0 … 2^32 - 1. */
  uint32(value: number): void {
    this.#reserve(5);
    this.#varint32(value);
  }

  /** A whole number of 0 … 2^53 - 1, in the wire's form of a uint64. */
  uint53(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#bytes[this.#position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#varint32(rest);
  }

  /** A whole number of -2^31 … 2^31 - 1, in the wire's form of an int32: a negative one takes ten bytes. */
  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.#varint64(value >>> 0, 0xffffffff);
  }

  /** Any 64 bits; a signed number is written as its two's complement. */
  varint64(value: bigint): void {
    if (value >= 0n && value <= 0x7fffffffn) return this.uint32(Number(value));
    longs[0] = value;
    this.#varint64(halves[LOW] ?? 0, halves[HIGH] ?? 0);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#fixed32(value);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    longs[0] = value;
    this.#fixed32(halves[LOW] ?? 0);
    this.#fixed32(halves[HIGH] ?? 0);
  }

  float(value: number): void {
    floats[0] = value;
    this.fixed32(floatBits[0] ?? 0);
  }

  double(value: number): void {
    this.#reserve(8);
    doubles[0] = value;
    this.#fixed32(halves[LOW] ?? 0);
    this.#fixed32(halves[HIGH] ?? 0);
  }

  /** Length and bytes. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.length + 5);
    this.#varint32(value.length);
    this.#bytes.set(value, this.#position);
    this.#position += value.length;
  }

  /** Length and UTF-8, and answers how many bytes of UTF-8 that was. A lone surrogate becomes U+FFFD. */
  text(value: string): number {
    const { length } = value;
    if (length <= SHORT_TEXT && this.#shortAscii(value, length)) return length;
    const written = Buffer.byteLength(value);
    this.#reserve(written + 5);
    this.#varint32(written);
    // As many bytes as letters: every letter is one byte, and copying them is several times quicker than encoding them.
    this.#buffer.write(value, this.#position, written, written === length ? "latin1" : "utf8");
    this.#position += written;
    return written;
  }

  /** Opens a message inside this one, and answers what `close` needs. */
  open(): number {
    this.#reserve(1);
    return ++this.#position - this.#start;
  }

  /** Writes the length before what was written since `open`. */
  close(opened: number): void {
    const size = this.length - opened;
    const extra = varint32Size(size) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      const from = this.#start + opened;
      this.#bytes.copyWithin(from + extra, from, this.#position);
    }
    const end = this.#position + extra;
    this.#position = this.#start + opened - 1;
    this.#varint32(size);
    this.#position = end;
  }

  #shortAscii(value: string, length: number): boolean {
    this.#reserve(length + 1);
    const bytes = this.#bytes;
    let position = this.#position;
    bytes[position++] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[position++] = code;
    }
    this.#position = position;
    return true;
  }

  #varint32(value: number): void {
    const bytes = this.#bytes;
    let position = this.#position;
    let rest = value;
    while (rest > 0x7f) {
      bytes[position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[position++] = rest;
    this.#position = position;
  }

  #varint64(low: number, high: number): void {
    this.#reserve(10);
    const bytes = this.#bytes;
    let position = this.#position;
    let lowRest = low;
    let highRest = high;
    while (highRest > 0 || lowRest > 0x7f) {
      bytes[position++] = (lowRest & 0x7f) | 0x80;
      lowRest = ((lowRest >>> 7) | (highRest << 25)) >>> 0;
      highRest >>>= 7;
    }
    bytes[position++] = lowRest;
    this.#position = position;
  }

  #fixed32(value: number): void {
    const bytes = this.#bytes;
    const position = this.#position;
    bytes[position] = value;
    bytes[position + 1] = value >>> 8;
    bytes[position + 2] = value >>> 16;
    bytes[position + 3] = value >>> 24;
    this.#position = position + 4;
  }

  #reserve(count: number): void {
    if (this.#position + count > this.#bytes.length) this.#move(count);
  }

  #move(count: number): void {
    const { length } = this;
    const needed = length + count;
    const old = this.#bytes;
    if (needed > LARGE_BYTES) {
      // Twice what is there, so that growing stays linear; a single large value is given what it needs and little more.
      const size = Math.max(needed + 256, length * 2);
      // Not zeroed: nothing but what was written is ever inside the view that `finish` hands out.
      this.#buffer = Buffer.allocUnsafeSlow(size);
      this.#bytes = new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, size);
    } else {
      this.#slab = newSlab(SLAB_BYTES);
      this.#slabBuffer = Buffer.from(this.#slab.buffer);
      this.#free = 0;
      this.#bytes = this.#slab;
      this.#buffer = this.#slabBuffer;
    }
    this.#bytes.set(old.subarray(this.#start, this.#position));
    this.#start = 0;
    this.#position = length;
  }
}

function varint32Size(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
