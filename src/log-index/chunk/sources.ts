// The files a chunk was read from: which of them a file is, and one while it is being read.

import { crc32 } from "node:zlib";
import type { BadLine, Fingerprint, SourceEntry } from "./manifest.ts";
import { isSameContent, type Packing, TailKeeper } from "./source-file.ts";

/** Bad lines that are kept of a file, to be shown. */
const KEPT_BAD_LINES = 20;

/**
 * The source whose content the file has, whatever it is called: it grew, or was renamed, packed or unpacked since.
 * "truncated": its beginning and not all that was read.
 */
export async function knownSource(
  path: string,
  packing: Packing,
  head: Uint8Array,
  sources: readonly SourceEntry[],
): Promise<SourceEntry | "truncated" | undefined> {
  let isTruncated = false;
  for (const source of sources) {
    const { bytes, crc } = source.head;
    if (bytes > head.length || crc32(head.subarray(0, bytes)) !== crc) continue;
    const match = await isSameContent(path, packing, source);
    if (match === "same") return source;
    if (match === "shorter") isTruncated = true;
  }
  return isTruncated ? "truncated" : undefined;
}

interface LiveSettings {
  readonly id: number;
  readonly path: string;
  readonly format: string;
  readonly head: Fingerprint;
  readonly isPacked: boolean;
  readonly before: SourceEntry | undefined;
}

export class LiveSource {
  readonly #settings: LiveSettings;
  readonly tail: TailKeeper;
  readonly badLines: BadLine[];
  offset: number;
  records: number;
  bad: number;
  #newest: number;
  #lateness: number;
  #lines: number;
  #facts: { readonly bytes: number; readonly time: number } | undefined;

  constructor(settings: LiveSettings) {
    const { before } = settings;
    this.#settings = settings;
    this.offset = before?.offset ?? 0;
    this.records = before?.records ?? 0;
    this.bad = before?.bad ?? 0;
    this.#newest = before?.newest ?? 0;
    this.#lateness = before?.lateness ?? 0;
    this.#lines = before?.lines ?? 0;
    this.badLines = [...(before?.badLines ?? [])];
    this.tail = new TailKeeper(this.offset);
  }

  get id(): number {
    return this.#settings.id;
  }

  take(time: number): void {
    if (time >= this.#newest) this.#newest = time;
    else if (this.#newest - time > this.#lateness) this.#lateness = this.#newest - time;
    this.records++;
    this.#lines++;
  }

  refuse(why: string): void {
    this.bad++;
    this.#lines++;
    if (this.badLines.length < KEPT_BAD_LINES) this.badLines.push({ line: this.#lines, why });
  }

  /** `facts`: of the file before it was read, so that what came meanwhile is read the next time. */
  readToEnd(facts: { readonly bytes: number; readonly time: number }): void {
    this.#facts = facts;
  }

  entry(): SourceEntry {
    const { id, path, format, head, isPacked, before } = this.#settings;
    const tail = this.tail.fingerprint;
    return {
      ...{ id, path, format, head, isPacked, offset: this.offset, lines: this.#lines, records: this.records },
      ...{ bad: this.bad, badLines: this.badLines, newest: this.#newest, lateness: this.#lateness },
      // Nothing new was read: what it ended with before still holds.
      tail: tail.bytes === 0 && before !== undefined ? before.tail : tail,
      fileBytes: this.#facts?.bytes ?? -1,
      fileTime: this.#facts?.time ?? -1,
    };
  }
}
