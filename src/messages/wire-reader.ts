// Reads protobuf's wire format without believing it: every length is checked against what is there.
//
// Hot path (bench/codec.ts). Whatever cannot be read is the Fault `invalid` that names the field and the byte.
// Nothing is allocated by a claimed length, and each step moves forward, so the time is bounded by the bytes.

import { Fault } from "../base/fault.ts";
import { nameIn, textIn } from "./utf8.ts";

export const WIRE = { VARINT: 0, BIT64: 1, BYTES: 2, BIT32: 5 } as const;

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #nameOf: (tag: number) => string;
  readonly #start: number;
  #end: number;
  #position: number;
  #tag = 0;
  #outerTag = 0;

  /** `nameOf` says for people what a tag stands for. */
  constructor(bytes: Uint8Array, nameOf: (tag: number) => string, start = 0) {
    this.#bytes = bytes;
    this.#start = start;
    this.#position = start;
    this.#end = bytes.length;
    this.#nameOf = nameOf;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** Field number times eight, plus the wire type. */
  tag(): number {
    this.#tag = 0;
    const first = this.#bytes[this.#position];
    if (first !== undefined && first < 0x80 && first > 7 && this.#position < this.#end) {
      this.#position++;
      this.#tag = first;
      return first;
    }
    const at = this.#position;
    const tag = this.#varint(0xffffffff, 5);
    if (tag >>> 3 === 0) throw this.refuse("a field of number 0", at);
    this.#tag = tag;
    return tag;
  }

  uint32(): number {
    return this.#varint(0xffffffff, 10);
  }

  uint53(): number {
    return this.#varint(Number.MAX_SAFE_INTEGER, 10);
  }

  bool(): boolean {
    // Any number but 0 is true, even one that no number can hold.
    let any = 0;
    const at = this.#position;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      any |= byte & 0x7f;
      if (byte < 0x80) return any !== 0;
    }
    throw this.refuse("a varint longer than 10 bytes", at);
  }

  /** The bytes themselves, not a copy: they live and change with what is read. */
  bytes(): Uint8Array {
    const length = this.#length();
    const view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#position, length);
    this.#position += length;
    return view;
  }

  /** Text of at most `limit` bytes. */
  text(limit: number): string {
    const length = this.#textLength(limit);
    return textIn(this.#bytes, this.#position - length, length) ?? this.#notText(length);
  }

  /** The same for a text that has probably been read before. */
  name(limit: number): string {
    const length = this.#textLength(limit);
    return nameIn(this.#bytes, this.#position - length, length) ?? this.#notText(length);
  }

  /** Narrows reading to the message that starts here, one level deep; answers what `leave` needs. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#position + length;
    this.#outerTag = this.#tag;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
    this.#tag = this.#outerTag;
    this.#outerTag = 0;
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    switch (this.#tag & 7) {
      case WIRE.VARINT:
        this.bool();
        return;
      case WIRE.BIT64:
        this.#advance(8);
        return;
      case WIRE.BYTES:
        this.#advance(this.#length());
        return;
      case WIRE.BIT32:
        this.#advance(4);
        return;
      default:
        throw this.refuse(`wire type ${this.#tag & 7}, which is not used`);
    }
  }

  /** Where in the bytes the next one stands. */
  get position(): number {
    return this.#position;
  }

  refuse(what: string, at = this.#position, options?: ErrorOptions): Fault {
    const tag = this.#outerTag === 0 ? this.#tag : this.#outerTag;
    const field = tag === 0 ? "" : ` in ${this.#nameOf(tag)}`;
    return new Fault(
      "invalid",
      `${what}${field}, at byte ${at - this.#start} of ${this.#bytes.length - this.#start}`,
      options,
    );
  }

  /** Passes over a text. */
  #textLength(limit: number): number {
    const at = this.#position;
    const length = this.#length();
    if (length > limit) throw this.refuse(`${length} bytes, the limit is ${limit}`, at);
    this.#position += length;
    return length;
  }

  #notText(length: number): never {
    throw this.refuse("text that is not UTF-8", this.#position - length);
  }

  #length(): number {
    const at = this.#position;
    const length = this.#varint(0xffffffff, 10);
    if (length > this.#end - this.#position) {
      throw this.refuse(`${length} bytes are announced and ${this.#end - this.#position} are there`, at);
    }
    return length;
  }

  #advance(count: number): void {
    if (count > this.#end - this.#position) throw this.refuse("the bytes end too early");
    this.#position += count;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw this.refuse("the bytes end too early");
    return this.#bytes[this.#position++] ?? 0;
  }

  #varint(most: number, mostBytes: number): number {
    const first = this.#bytes[this.#position];
    if (first !== undefined && first < 0x80 && this.#position < this.#end) {
      this.#position++;
      return first;
    }
    return this.#longVarint(most, mostBytes);
  }

  #longVarint(most: number, mostBytes: number): number {
    const at = this.#position;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < mostBytes; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // Exact as far as it matters: the sum only loses bits above 2^53, and then it is far above the limit.
        if (value > most) throw this.refuse(`a number above ${most}`, at);
        return value;
      }
      scale *= 128;
    }
    throw this.refuse(`a varint longer than ${mostBytes} bytes`, at);
  }
}
