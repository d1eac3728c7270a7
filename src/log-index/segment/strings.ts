// Strings of a segment that is read: blocks are unpacked when first wanted, the last ones used are kept.

import { crc32, zstdDecompressSync } from "node:zlib";
import { DamagedFile, type SectionFile } from "./section-file.ts";

interface Block {
  readonly first: number;
  readonly bytes: Buffer;
  readonly count: number;
}

/** Blocks of about 64 KiB each. */
const KEPT_BLOCKS = 16;

export class Strings {
  readonly #file: SectionFile;
  #index: Uint32Array | undefined;
  /** Blocks whose checksum was not looked at yet; -1 before the index is read. */
  #unchecked = -1;
  #checked = new Uint8Array(0);
  /** The last used last. */
  readonly #kept = new Map<number, Block>();

  constructor(file: SectionFile) {
    this.#file = file;
  }

  /** The bytes of a string, not to be changed. */
  at(id: number): Buffer {
    const { first, bytes, count } = this.#block(this.#blockOf(id));
    const i = id - first;
    const base = 4 + count * 4;
    const from = i === 0 ? 0 : bytes.readUInt32LE(i * 4);
    return bytes.subarray(base + from, base + bytes.readUInt32LE(4 + i * 4));
  }

  /** DamagedFile where the bytes of a string are not as they were written; a block is looked at once. */
  check(id: number): void {
    if (this.#unchecked === 0) return;
    const number = this.#blockOf(id);
    if (this.#checked[number] === 0) this.#packed(number);
  }

  forget(): void {
    this.#kept.clear();
    this.#index = undefined;
  }

  #indexed(): Uint32Array {
    if (this.#index === undefined) {
      const bytes = this.#file.read("string-index");
      this.#index = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      if (this.#unchecked < 0) {
        this.#unchecked = this.#index.length / 4;
        this.#checked = new Uint8Array(this.#unchecked);
      }
    }
    return this.#index;
  }

  #blockOf(id: number): number {
    const index = this.#indexed();
    let low = 0;
    let high = index.length / 4;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((index[middle * 4] ?? 0) <= id) low = middle;
      else high = middle;
    }
    return low;
  }

  #block(number: number): Block {
    const known = this.#kept.get(number);
    if (known !== undefined) {
      this.#kept.delete(number);
      this.#kept.set(number, known);
      return known;
    }
    const bytes = zstdDecompressSync(this.#packed(number));
    const block = { first: this.#indexed()[number * 4] ?? 0, bytes, count: bytes.readUInt32LE(0) };
    this.#kept.set(number, block);
    if (this.#kept.size > KEPT_BLOCKS) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return block;
  }

  #packed(number: number): Buffer {
    const index = this.#indexed();
    const length = index[number * 4 + 2] ?? 0;
    const packed = Buffer.alloc(length);
    this.#file.readPart("strings", index[number * 4 + 1] ?? 0, length, packed);
    if (crc32(packed) !== index[number * 4 + 3])
      throw new DamagedFile(this.#file.path, `the checksum of strings ${number} is another`);
    if (this.#checked[number] === 0) {
      this.#checked[number] = 1;
      this.#unchecked--;
    }
    return packed;
  }
}
