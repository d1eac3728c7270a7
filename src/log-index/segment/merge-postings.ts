// Postings of many segments made into one file, in bounded memory: slice by slice of the addresses.
//
// A hot path, written for the machine (bench/logs.ts).

import { AddressSort } from "./address-sort.ts";
import { decodeBlock, type Postings, type PostingsSink } from "./postings.ts";
import { PostingsWriter } from "./postings-writer.ts";

/** Blocks of a slice, of 256 entries each: 32 bytes an entry are held, and fit a processor's cache. */
const SLICE_BLOCKS = 512;
/** Segments of one file: places have 25 bits. */
export const POSTINGS_SEGMENTS = 32;

/** `path` without the ending. Segments that are not `kept` are left out. Answers the bytes written. */
export function mergePostings(
  path: string,
  inputs: readonly Postings[],
  kept: (segment: string) => boolean,
): {
  readonly segments: readonly string[];
  readonly bytes: number;
} {
  const segments: string[] = [];
  const cursors = inputs.map((postings) => {
    const numbers = postings.segments.map((name) => (kept(name) ? segments.push(name) - 1 : -1));
    return new Cursor(postings, Int32Array.from(numbers));
  });
  if (segments.length > POSTINGS_SEGMENTS) throw new RangeError(`${segments.length} segments for one file of postings`);
  const writer = new PostingsWriter(`${path}.post`);
  const bounds = boundsOf(inputs);
  const slice = new SliceSink();
  for (const bound of bounds) {
    for (const cursor of cursors) cursor.drain(bound, slice);
    slice.sort.drain(writer);
  }
  return { segments, bytes: writer.finish(segments) };
}

/** Last addresses of the slices. */
function boundsOf(inputs: readonly Postings[]): number[] {
  const firsts: number[] = [];
  for (const { index } of inputs) for (let at = 0; at < index.length; at += 3) firsts.push(index[at] ?? 0);
  const sorted = Uint32Array.from(firsts).sort();
  const bounds: number[] = [];
  for (let at = SLICE_BLOCKS; at < sorted.length; at += SLICE_BLOCKS) {
    const bound = sorted[at] ?? 0;
    if (bound !== bounds.at(-1)) bounds.push(bound);
  }
  return [...bounds, 0xffffffff];
}

/** Goes through one file; a block that reaches over a slice's end is decoded again for the next. */
class Cursor {
  readonly #postings: Postings;
  readonly #numbers: Int32Array;
  #block = 0;
  #from = 0;

  constructor(postings: Postings, numbers: Int32Array) {
    this.#postings = postings;
    this.#numbers = numbers;
  }

  drain(bound: number, sink: SliceSink): void {
    const { index } = this.#postings;
    sink.numbers = this.#numbers;
    while (this.#block < index.length / 3 && (index[this.#block * 3] ?? 0) <= bound) {
      const bytes = this.#postings.readBlocks(this.#block, this.#block + 1);
      decodeBlock(bytes, 0, index[this.#block * 3] ?? 0, this.#from, bound, sink);
      const next = index[this.#block * 3 + 3];
      // The block's last address is known by the next one's first only, so a block at the bound is looked at twice.
      if (next === undefined || next > bound) break;
      this.#block++;
    }
    this.#from = bound + 1;
  }
}

/** Entries of a slice, with places in the new file. */
class SliceSink implements PostingsSink {
  numbers: Int32Array = new Int32Array(0);
  readonly sort = new AddressSort(SLICE_BLOCKS * 256);

  add(address: number, place: number, low: number, high: number): void {
    const number = this.numbers[place >>> 20] ?? -1;
    if (number >= 0) this.sort.add(address, (number << 20) | (place & 0xfffff), low, high);
  }
}
