// Strings of a segment while it is built: each once, numbered in the order they came.
//
// A hot path, written for the machine (bench/logs.ts): one arena of bytes, one table of open addressing. The reference in
// dictionary.test.ts is a Map.

import { constants, crc32, zstdCompressSync } from "node:zlib";
import { hashOf } from "../parsing/string-hash.ts";

/** Bytes of strings after which a segment is cut. */
export const ARENA_LIMIT = 64 << 20;
const BLOCK_BYTES = 64 << 10;

export class DictionaryBuilder {
  #arena = new Uint8Array(1 << 20);
  #used = 0;
  #count = 0;
  #ends = new Uint32Array(1 << 12);
  #hashes = new Uint32Array(1 << 12);
  /** 1 + the number of a string, 0 where nothing is. */
  #table = new Uint32Array(1 << 13);
  #arenaView = new DataView(this.#arena.buffer);
  /** The bytes that were looked at last, as words. */
  #bytes: Uint8Array = this.#arena;
  #view: DataView = this.#arenaView;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.add(new Uint8Array(0), 0, 0);
  }

  /** As if newly made, but for the memory that it has. */
  clear(): void {
    this.#used = 0;
    this.#count = 0;
    this.#table.fill(0);
    this.#bytes = this.#arena;
    this.#view = this.#arenaView;
    this.add(new Uint8Array(0), 0, 0);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#used;
  }

  get isFull(): boolean {
    // One row may bring three.
    return this.#count + 3 > this.#limit || this.#used > ARENA_LIMIT;
  }

  /** The number of the string; 0 is "". */
  add(bytes: Uint8Array, from: number, to: number): number {
    return this.addHashed(hashOf(bytes, from, to), bytes, from, to);
  }

  /** The same, for who knows the hash. */
  addHashed(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = Math.imul(hash, 0x85ebca6b) >>> 7;
    for (;;) {
      slot &= mask;
      const found = table[slot] ?? 0;
      if (found === 0) break;
      if (this.#hashes[found - 1] === hash && this.#equals(found - 1, bytes, from, to)) return found - 1;
      slot++;
    }
    return this.#insert(hash, slot, bytes, from, to);
  }

  #equals(id: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = id === 0 ? 0 : (this.#ends[id - 1] ?? 0);
    if ((this.#ends[id] ?? 0) - start !== to - from) return false;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const view = this.#view;
    const arenaView = this.#arenaView;
    let i = from;
    let j = start;
    for (const end = to - 3; i < end; i += 4, j += 4)
      if (view.getInt32(i, true) !== arenaView.getInt32(j, true)) return false;
    const arena = this.#arena;
    for (; i < to; i++, j++) if (arena[j] !== bytes[i]) return false;
    return true;
  }

  #insert(hash: number, slot: number, bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (this.#used + length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(this.#arena.length * 2, this.#used + length));
      arena.set(this.#arena.subarray(0, this.#used));
      this.#arena = arena;
      this.#arenaView = new DataView(arena.buffer);
    }
    if (length < 64) for (let i = 0; i < length; i++) this.#arena[this.#used + i] = bytes[from + i] ?? 0;
    else this.#arena.set(bytes.subarray(from, to), this.#used);
    this.#used += length;
    const id = this.#count++;
    if (id === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#hashes = grown(this.#hashes);
    }
    this.#ends[id] = this.#used;
    this.#hashes[id] = hash;
    this.#table[slot] = id + 1;
    if (this.#count * 2 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = Math.imul(this.#hashes[id] ?? 0, 0x85ebca6b) >>> 7;
      for (;;) {
        slot &= mask;
        if (table[slot] === 0) break;
        slot++;
      }
      table[slot] = id + 1;
    }
    this.#table = table;
  }

  /** Blocks of strings, each compressed; and for each block four numbers: its first string, where it is, how long, its checksum. */
  encode(): { readonly blocks: Uint8Array[]; readonly index: Uint32Array } {
    const blocks: Uint8Array[] = [];
    const index: number[] = [];
    let offset = 0;
    let first = 0;
    while (first < this.#count) {
      const start = first === 0 ? 0 : (this.#ends[first - 1] ?? 0);
      let last = first + 1;
      while (last < this.#count && (this.#ends[last] ?? 0) - start <= BLOCK_BYTES) last++;
      const raw = Buffer.alloc(4 + (last - first) * 4 + (this.#ends[last - 1] ?? 0) - start);
      raw.writeUInt32LE(last - first, 0);
      for (let id = first; id < last; id++) raw.writeUInt32LE((this.#ends[id] ?? 0) - start, 4 + (id - first) * 4);
      raw.set(this.#arena.subarray(start, this.#ends[last - 1]), 4 + (last - first) * 4);
      const packed = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
      index.push(first, offset, packed.length, crc32(packed));
      blocks.push(packed);
      offset += packed.length;
      first = last;
    }
    return { blocks, index: Uint32Array.from(index) };
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
