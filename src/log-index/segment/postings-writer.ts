// Which rows an address has, over one segment or up to 32 of them: written in the order of addresses.
//
// A block holds up to 256 entries, an entry a row with all that its ten bytes have besides the address, so that an answer
// needs no other read. The first address of every block stands in an index that is kept in memory.
//
//   block   entries u16, groups u16, where places begin u16, where rests begin u16
//           groups: address as the difference from the one before, number of its entries here
//           places: of each entry segment << 20 | row, as the difference from the one before of the same address
//           rests:  low u32 and high u16 of each entry (see row.ts)
//
// A hot path, written for the machine (bench/logs.ts).

import { crc32 } from "node:zlib";
import { SectionWriter } from "./section-file.ts";
import type { Sketch } from "./sketch.ts";

export const BLOCK_ENTRIES = 256;
export const BLOCK_HEADER = 8;
const FLUSH_BYTES = 1 << 20;
/** The longest block: header, groups of 5 + 2 bytes, places of 5, rests of 6. */
export const BLOCK_LIMIT = BLOCK_HEADER + BLOCK_ENTRIES * 18;

export class PostingsWriter {
  readonly #file: SectionWriter;
  readonly #blocks: { add(part: Uint8Array): void; end(): void };
  readonly #out = new Uint8Array(FLUSH_BYTES + BLOCK_LIMIT);
  #outAt = 0;
  #written = 0;
  #entries = 0;
  #addresses = 0;
  #lastAddress = -1;
  #index = new Uint32Array(1 << 12);
  #indexCount = 0;
  // The block that is being filled.
  readonly #groups = new Uint8Array(BLOCK_ENTRIES * 7);
  readonly #places = new Uint8Array(BLOCK_ENTRIES * 5);
  readonly #rests = new Uint16Array(BLOCK_ENTRIES * 3);
  readonly #restBytes = new Uint8Array(this.#rests.buffer);
  readonly #sketch: Sketch | undefined;
  #groupsAt = 0;
  #placesAt = 0;
  #groupCount = 0;
  #count = 0;
  #firstAddress = 0;
  #address = 0;
  #addressCount = 0;
  #groupBase = 0;
  #place = 0;

  /** `sketch`: gets every address. */
  constructor(path: string, sketch?: Sketch) {
    this.#sketch = sketch;
    this.#file = new SectionWriter(path);
    this.#blocks = this.#file.begin("blocks");
  }

  /** Addresses never go back, nor do places within one address. */
  add(address: number, place: number, low: number, high: number): void {
    if (this.#count === BLOCK_ENTRIES) this.#endBlock();
    let delta = place;
    if (this.#count === 0) {
      this.#firstAddress = address;
      this.#groupBase = address;
      this.#address = address;
      this.#addressCount = 0;
    } else if (address !== this.#address) {
      this.#endGroup();
      this.#groupBase = this.#address;
      this.#address = address;
      this.#addressCount = 0;
    } else delta = place - this.#place;
    if (address !== this.#lastAddress) {
      this.#lastAddress = address;
      this.#addresses++;
      this.#sketch?.addV4(address);
    }
    this.#addressCount++;
    this.#place = place;
    const places = this.#places;
    let at = this.#placesAt;
    while (delta > 127) {
      places[at++] = (delta & 127) | 128;
      delta >>>= 7;
    }
    places[at++] = delta;
    this.#placesAt = at;
    const rests = this.#rests;
    const rest = this.#count * 3;
    rests[rest] = low;
    rests[rest + 1] = low >>> 16;
    rests[rest + 2] = high;
    this.#count++;
    this.#entries++;
  }

  #endGroup(): void {
    const groups = this.#groups;
    let at = this.#groupsAt;
    let delta = this.#address - this.#groupBase;
    while (delta > 127) {
      groups[at++] = (delta & 127) | 128;
      delta = Math.floor(delta / 128);
    }
    groups[at++] = delta;
    let count = this.#addressCount;
    while (count > 127) {
      groups[at++] = (count & 127) | 128;
      count >>>= 7;
    }
    groups[at++] = count;
    this.#groupsAt = at;
    this.#groupCount++;
  }

  #endBlock(): void {
    this.#endGroup();
    const out = this.#out;
    const start = this.#outAt;
    const placesStart = BLOCK_HEADER + this.#groupsAt;
    const restsStart = placesStart + this.#placesAt;
    put16(out, start, this.#count);
    put16(out, start + 2, this.#groupCount);
    put16(out, start + 4, placesStart);
    put16(out, start + 6, restsStart);
    out.set(this.#groups.subarray(0, this.#groupsAt), start + BLOCK_HEADER);
    out.set(this.#places.subarray(0, this.#placesAt), start + placesStart);
    out.set(this.#restBytes.subarray(0, this.#count * 6), start + restsStart);
    this.#outAt = start + restsStart + this.#count * 6;
    if (this.#indexCount * 3 + 3 > this.#index.length) {
      const larger = new Uint32Array(this.#index.length * 2);
      larger.set(this.#index);
      this.#index = larger;
    }
    const at = this.#indexCount * 3;
    this.#index[at] = this.#firstAddress;
    this.#index[at + 1] = this.#written + start;
    this.#index[at + 2] = crc32(out.subarray(start, this.#outAt));
    this.#indexCount++;
    if (this.#outAt >= FLUSH_BYTES) this.#flush();
    this.#count = 0;
    this.#groupCount = 0;
    this.#groupsAt = 0;
    this.#placesAt = 0;
  }

  #flush(): void {
    this.#blocks.add(this.#out.subarray(0, this.#outAt));
    this.#written += this.#outAt;
    this.#outAt = 0;
  }

  /** `segments`: names of those it covers, in the order of their places. */
  finish(segments: readonly string[]): number {
    if (this.#count > 0) this.#endBlock();
    this.#flush();
    this.#blocks.end();
    const index = this.#index.subarray(0, this.#indexCount * 3);
    this.#file.section("index", new Uint8Array(index.buffer, 0, index.byteLength));
    return this.#file.finish({ segments, entries: this.#entries, addresses: this.#addresses });
  }

  abandon(): void {
    this.#file.abandon();
  }
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
