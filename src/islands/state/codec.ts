// State as bytes, and back, bit by bit: what checkpoints and migrations are made of.
//
// One tag, then what it stands for; numbers are eight bytes, little endian, so that -0, NaN and denormals stay what they are.

import { Fault } from "unum";

export type State =
  | undefined
  | boolean
  | number
  | string
  | Float64Array
  | Int32Array
  | Uint8Array
  | readonly State[]
  | { readonly [name: string]: State };

export type StateRecord = { readonly [name: string]: State };

const TAG = { none: 0, no: 1, yes: 2, number: 3, text: 4, floats: 5, words: 6, bytes: 7, list: 8, record: 9 } as const;

/** Deeper is damage, not state. */
const DEPTH_LIMIT = 32;

export function encodeState(state: State): Uint8Array {
  const writer = new Writer();
  writer.value(state);
  return writer.done();
}

/** Throws the Fault `invalid` for bytes that are no state. */
export function decodeState(bytes: Uint8Array): State {
  const reader = new Reader(bytes);
  const state = reader.value(0);
  if (reader.left !== 0) throw damaged(`${reader.left} bytes too many`);
  return state;
}

function damaged(why: string): Fault {
  return new Fault("invalid", `these bytes are no island's state: ${why}`);
}

class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  value(state: State): void {
    if (state === undefined) this.#tag(TAG.none);
    else if (typeof state === "boolean") this.#tag(state ? TAG.yes : TAG.no);
    else if (typeof state === "number") {
      this.#tag(TAG.number);
      this.#room(8);
      this.#view.setFloat64(this.#at, state, true);
      this.#at += 8;
    } else if (typeof state === "string") this.#run(TAG.text, new TextEncoder().encode(state));
    else if (state instanceof Float64Array) this.#run(TAG.floats, bytesOf(state));
    else if (state instanceof Int32Array) this.#run(TAG.words, bytesOf(state));
    else if (state instanceof Uint8Array) this.#run(TAG.bytes, state);
    else if (Array.isArray(state)) {
      this.#tag(TAG.list);
      this.#count(state.length);
      for (const each of state) this.value(each);
    } else {
      const entries = Object.entries(state);
      this.#tag(TAG.record);
      this.#count(entries.length);
      for (const [name, each] of entries) {
        this.value(name);
        this.value(each);
      }
    }
  }

  #run(tag: number, bytes: Uint8Array): void {
    this.#tag(tag);
    this.#count(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #tag(tag: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = tag;
  }

  #count(count: number): void {
    this.#room(4);
    this.#view.setUint32(this.#at, count, true);
    this.#at += 4;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function bytesOf(values: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  value(depth: number): State {
    if (depth > DEPTH_LIMIT) throw damaged("it lies too deep");
    const tag = this.#take(1)[0];
    switch (tag) {
      case TAG.none:
        return undefined;
      case TAG.no:
        return false;
      case TAG.yes:
        return true;
      case TAG.number:
        this.#need(8);
        this.#at += 8;
        return this.#view.getFloat64(this.#at - 8, true);
      case TAG.text:
        return new TextDecoder().decode(this.#run());
      case TAG.floats:
        return new Float64Array(this.#aligned(8));
      case TAG.words:
        return new Int32Array(this.#aligned(4));
      case TAG.bytes:
        return this.#run().slice();
      case TAG.list:
        return Array.from({ length: this.#items() }, () => this.value(depth + 1));
      case TAG.record:
        return Object.fromEntries(
          Array.from({ length: this.#items() }, () => [this.#name(depth), this.value(depth + 1)]),
        );
      default:
        throw damaged(`nothing is written as ${tag}`);
    }
  }

  #name(depth: number): string {
    const name = this.value(depth + 1);
    if (typeof name !== "string") throw damaged("a name is no text");
    return name;
  }

  /** Each takes a byte at least, so a count larger than that is damage. */
  #items(): number {
    const count = this.#count();
    this.#need(count);
    return count;
  }

  #aligned(size: number): ArrayBuffer {
    const run = this.#run();
    if (run.length % size !== 0) throw damaged(`${run.length} bytes are no whole numbers`);
    const copy = new ArrayBuffer(run.length);
    new Uint8Array(copy).set(run);
    return copy;
  }

  #run(): Uint8Array {
    return this.#take(this.#count());
  }

  #take(count: number): Uint8Array {
    this.#need(count);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #count(): number {
    this.#need(4);
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  #need(count: number): void {
    if (count > this.left) throw damaged(`${count} bytes are said to follow, and ${this.left} do`);
  }
}
