// Reading of which rows an address has: a binary search in the index, then one read for each run of blocks.
//
// A hot path, written for the machine (bench/logs.ts); the reference in its test filters a plain list.

import { crc32 } from "node:zlib";
import { BLOCK_ENTRIES, BLOCK_HEADER } from "./postings-writer.ts";
import { DamagedFile, SectionFile } from "./section-file.ts";

/** Takes what is found. */
export interface PostingsSink {
  /** `place`: segment << 20 | row. */
  add(address: number, place: number, low: number, high: number): void;
}

interface About {
  readonly segments: readonly string[];
  readonly entries: number;
  readonly addresses: number;
}

/** Blocks read at once where a range has many. */
const RUN_BLOCKS = 128;

export class Postings {
  readonly file: SectionFile;
  readonly segments: readonly string[];
  readonly entries: number;
  /** Different IPv4 addresses. */
  readonly addresses: number;
  #index: Uint32Array | undefined;
  #scratch = new Uint8Array(16 << 10);

  constructor(path: string) {
    this.file = new SectionFile(path);
    // The trailer's checksum vouches that PostingsWriter wrote it.
    const about = this.file.about as About;
    this.segments = about.segments;
    this.entries = about.entries;
    this.addresses = about.addresses;
  }

  get index(): Uint32Array {
    if (this.#index === undefined) {
      const bytes = this.file.read("index");
      this.#index = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    }
    return this.#index;
  }

  get blocks(): number {
    return this.index.length / 3;
  }

  /** The first block that may have the address. */
  blockOf(address: number): number {
    const index = this.index;
    let low = 0;
    let high = index.length / 3;
    // The first block that begins at the address or after it; the one before may end with it.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((index[middle * 3] ?? 0) < address) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** No fewer entries than addresses from `from` to `to` have, and not many more. */
  atMost(from: number, to: number): number {
    const first = this.blockOf(from);
    const { index } = this;
    const end = index.length / 3;
    // Most questions are of few blocks.
    let high = first + 1;
    for (let step = 1; high < end && (index[high * 3] ?? 0) <= to; step *= 2) high += step;
    high = Math.min(high, end);
    let low = first;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((index[middle * 3] ?? 0) <= to) low = middle + 1;
      else high = middle;
    }
    return Math.min(this.entries, (low - first) * BLOCK_ENTRIES);
  }

  /** All entries of addresses `from` to `to`, both included. */
  find(from: number, to: number, sink: PostingsSink): void {
    const { index } = this;
    const blocks = index.length / 3;
    let block = this.blockOf(from);
    let run = 1;
    while (block < blocks && (index[block * 3] ?? 0) <= to) {
      let last = block + 1;
      while (last < blocks && last - block < run && (index[last * 3] ?? 0) <= to) last++;
      const bytes = this.readBlocks(block, last);
      for (let each = block; each < last; each++) {
        const at = (index[each * 3 + 1] ?? 0) - (index[block * 3 + 1] ?? 0);
        decodeBlock(bytes, at, index[each * 3] ?? 0, from, to, sink);
      }
      block = last;
      run = Math.min(run * 4, RUN_BLOCKS);
    }
  }

  /** Blocks [first, last), checked; to be used before the next call. */
  readBlocks(first: number, last: number): Uint8Array {
    const { index } = this;
    const start = index[first * 3 + 1] ?? 0;
    const end = last * 3 < index.length ? (index[last * 3 + 1] ?? 0) : this.file.sizeOf("blocks");
    const length = end - start;
    if (length > this.#scratch.length) this.#scratch = new Uint8Array(length);
    const bytes = this.#scratch;
    this.file.readPart("blocks", start, length, bytes);
    for (let block = first; block < last; block++) {
      const at = (index[block * 3 + 1] ?? 0) - start;
      const until = block + 1 === last ? length : (index[block * 3 + 4] ?? 0) - start;
      if (crc32(bytes.subarray(at, until)) !== index[block * 3 + 2])
        throw new DamagedFile(this.file.path, `the checksum of block ${block} is another`);
    }
    return bytes;
  }

  close(): void {
    this.file.close();
  }
}

/** Entries of addresses `from` to `to` of the block at `at`. */
export function decodeBlock(
  b: Uint8Array,
  at: number,
  firstAddress: number,
  from: number,
  to: number,
  sink: PostingsSink,
): void {
  const groups = (b[at + 2] ?? 0) | ((b[at + 3] ?? 0) << 8);
  let group = at + BLOCK_HEADER;
  let place = at + ((b[at + 4] ?? 0) | ((b[at + 5] ?? 0) << 8));
  let rest = at + ((b[at + 6] ?? 0) | ((b[at + 7] ?? 0) << 8));
  let address = firstAddress;
  for (let i = 0; i < groups; i++) {
    let byte = b[group++] ?? 0;
    let delta = byte & 127;
    for (let scale = 128; byte > 127; scale *= 128) {
      byte = b[group++] ?? 0;
      delta += (byte & 127) * scale;
    }
    byte = b[group++] ?? 0;
    let count = byte & 127;
    if (byte > 127) count |= (b[group++] ?? 0) << 7;
    address += delta;
    if (address > to) return;
    if (address < from) {
      for (let left = count; left > 0; place++) if ((b[place] ?? 0) < 128) left--;
      rest += count * 6;
      continue;
    }
    let where = 0;
    for (let j = 0; j < count; j++) {
      byte = b[place++] ?? 0;
      let value = byte & 127;
      for (let shift = 7; byte > 127; shift += 7) {
        byte = b[place++] ?? 0;
        value |= (byte & 127) << shift;
      }
      where += value;
      const low =
        ((b[rest] ?? 0) | ((b[rest + 1] ?? 0) << 8) | ((b[rest + 2] ?? 0) << 16) | ((b[rest + 3] ?? 0) << 24)) >>> 0;
      sink.add(address, where, low, (b[rest + 4] ?? 0) | ((b[rest + 5] ?? 0) << 8));
      rest += 6;
    }
  }
}
