// The segments of a spool: which there are, what lives in each, the one being written, and the one that was read last.

import type { Disk } from "../base/disk.ts";

/** Where a message is. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A segment that has so much is followed by another. */
const SEGMENT_BYTES = 512 * 1_024;
/** What one may have: that, and one append with what stands around its messages. */
export const MOST_SEGMENT_BYTES = 64 * 2 ** 20;

interface Segment {
  bytes: number;
  /** Messages in it that live. */
  live: number;
}

interface Written {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface SegmentWriter {
  /** Nothing is in the segment yet. */
  readonly isNew: boolean;
  add(record: Uint8Array): void;
  /** `offset`: where the message begins in the record. */
  addMessage(record: Uint8Array, offset: number, bytes: number): Place;
  /** Settles when it would outlast a loss of power. */
  write(): Promise<void>;
}

export class SegmentFiles {
  /** The oldest that is not over. */
  first = 1;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #segments = new Map<number, Segment>();
  /** Over, and perhaps still there. */
  #over: number[] = [];
  /** The one being written, and what was written to it here. */
  #current: { readonly number: number; readonly written: Written[] } | undefined;
  #last = 0;
  #read: { readonly segment: number; readonly bytes: Uint8Array } | undefined;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** What is there already; it is never written to again. `live`: messages in it. */
  open(segments: ReadonlyMap<number, Segment>, first: number): void {
    this.first = first;
    for (const [number, segment] of segments) {
      this.#last = Math.max(this.#last, number);
      if (number < first) this.#over.push(number);
      else this.#segments.set(number, { ...segment });
    }
    this.#last = Math.max(this.#last, first - 1);
  }

  /** On disk. */
  get bytes(): number {
    let bytes = 0;
    for (const segment of this.#segments.values()) bytes += segment.bytes;
    return bytes;
  }

  /** The oldest that is not being written. */
  get oldest(): number | undefined {
    const [oldest] = this.#segments.keys();
    return oldest === this.#current?.number ? undefined : oldest;
  }

  writer(): SegmentWriter {
    const present = this.#current === undefined ? undefined : this.#segments.get(this.#current.number);
    if (present === undefined || present.bytes >= SEGMENT_BYTES) {
      this.#current = { number: ++this.#last, written: [] };
      this.#segments.set(this.#last, { bytes: 0, live: 0 });
    }
    const { number, written } = this.#current ?? { number: 0, written: [] };
    const segment = this.#segments.get(number) ?? { bytes: 0, live: 0 };
    const parts: Uint8Array[] = [];
    let end = segment.bytes;
    let messages = 0;
    const add = (record: Uint8Array) => {
      parts.push(record);
      end += record.length;
    };
    return {
      isNew: segment.bytes === 0,
      add,
      addMessage: (record, offset, bytes) => {
        const place = { segment: number, offset: end + offset, bytes };
        add(record);
        messages++;
        return place;
      },
      write: async () => {
        const bytes = Buffer.concat(parts);
        await this.#disk.append(pathOf(this.#folder, number), bytes);
        written.push({ offset: segment.bytes, bytes });
        segment.bytes = end;
        segment.live += messages;
      },
    };
  }

  /** How far the last append came is not known: nothing is written behind it. */
  abandon(): void {
    this.#current = undefined;
  }

  freed({ segment }: Place): void {
    const present = this.#segments.get(segment);
    if (present !== undefined) present.live--;
  }

  /** Counts the oldest without anything that lives as over; answers whether there is something to remove. */
  skipOver(): boolean {
    for (const [number, { live }] of this.#segments) {
      if (live > 0 || number === this.#current?.number) break;
      this.#segments.delete(number);
      this.#over.push(number);
      this.first = number + 1;
    }
    return this.#over.length > 0;
  }

  async removeOver(): Promise<void> {
    for (const number of this.#over.splice(0)) await this.#disk.remove(pathOf(this.#folder, number));
  }

  /** Undefined where it is not there. */
  async read({ segment, offset, bytes }: Place): Promise<Uint8Array | undefined> {
    const written = segment === this.#current?.number ? this.#current.written : undefined;
    const part = written && partAt(written, offset);
    if (part !== undefined) return part.bytes.subarray(offset - part.offset, offset - part.offset + bytes);
    if (this.#read?.segment !== segment || this.#read.bytes.length < offset + bytes) {
      const whole = await this.#disk.read(pathOf(this.#folder, segment), MOST_SEGMENT_BYTES);
      this.#read = whole === undefined ? undefined : { segment, bytes: whole };
    }
    if (this.#read === undefined || this.#read.bytes.length < offset + bytes) return undefined;
    return this.#read.bytes.subarray(offset, offset + bytes);
  }
}

/** The last that begins at `offset` or before; they are in order. */
function partAt(written: readonly Written[], offset: number): Written | undefined {
  let [low, high] = [0, written.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((written[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return written[low - 1];
}

export function pathOf(folder: string, segment: number): string {
  return `${folder}/${String(segment).padStart(12, "0")}.log`;
}

/** Undefined for what is no segment. */
export function segmentOf(name: string): number | undefined {
  return /^\d{12}\.log$/.test(name) ? Number(name.slice(0, 12)) : undefined;
}
