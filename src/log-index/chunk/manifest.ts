// What a chunk consists of: one small file that is replaced as a whole, so that every reader sees one moment of it.
//
// Invariants
//   M1. A file the manifest names is whole and on the disk before the manifest that names it.
//   M2. The offsets of sources and the segments with their lines are in the same manifest: after a crash, reading goes
//       on exactly where the last manifest says, and nothing is lost or twice there.
//   M3. Files that no manifest names are left-overs of a crash; the next writer removes them.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { DamagedFile } from "../segment/section-file.ts";

export interface SourcePart {
  readonly source: number;
  /** Bytes of the source's content, unpacked, that the segment has the lines of. */
  readonly from: number;
  readonly to: number;
}

export interface SegmentEntry {
  readonly name: string;
  readonly rows: number;
  readonly from: number;
  /** Time of the last row. */
  readonly to: number;
  readonly bytes: number;
  readonly parts: readonly SourcePart[];
}

export interface PostingsEntry {
  readonly name: string;
  readonly segments: readonly string[];
}

/** A line that could not be read. */
export interface BadLine {
  /** The first is 1. */
  readonly line: number;
  readonly why: string;
}

/** A file that was read, known again by its content whatever it is called. */
export interface SourceEntry {
  readonly id: number;
  /** Where it was last. */
  readonly path: string;
  readonly format: string;
  /** Read up to here, unpacked. */
  readonly offset: number;
  readonly lines: number;
  readonly records: number;
  readonly bad: number;
  /** Of the records: the latest time so far, and by how much a later line was older than the latest before it. */
  readonly newest: number;
  readonly lateness: number;
  /** The first of the bad lines. */
  readonly badLines: readonly BadLine[];
  /** Its first bytes. */
  readonly head: Fingerprint;
  /** The last bytes that were read. */
  readonly tail: Fingerprint & { /** Where they end. */ readonly at: number };
  /** Of the file when it was read to its end: no reading again while both are the same. */
  readonly fileBytes: number;
  readonly fileTime: number;
  readonly isPacked: boolean;
}

export interface Fingerprint {
  readonly bytes: number;
  readonly crc: number;
}

export interface Manifest {
  readonly version: 1;
  /** Grows with every replacement. */
  readonly generation: number;
  /** Number of the next file. */
  readonly next: number;
  readonly segments: readonly SegmentEntry[];
  readonly postings: readonly PostingsEntry[];
  readonly sources: readonly SourceEntry[];
}

export const NEW_MANIFEST: Manifest = {
  ...{ version: 1, generation: 0, next: 1, segments: [], postings: [], sources: [] },
};

const NAME = "manifest.json";

/** Undefined where there is none. DamagedFile where it cannot be believed. */
export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, NAME);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const newline = text.indexOf("\n");
  const body = text.slice(newline + 1);
  if (newline < 0 || Number.parseInt(text.slice(0, newline), 16) !== crc32(body))
    throw new DamagedFile(path, "its checksum is another");
  // The checksum vouches that writeManifest wrote it.
  return JSON.parse(body) as Manifest;
}

/** Differs whenever the manifest was replaced; "" where there is none. */
export function manifestVersion(folder: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(join(folder, NAME));
    return `${ino}.${mtimeMs}.${size}`;
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

/** On the disk, whatever happens, when it returns. */
export function writeManifest(folder: string, manifest: Manifest): void {
  const body = JSON.stringify(manifest);
  const path = join(folder, NAME);
  const fd = openSync(`${path}.new`, "w");
  try {
    writeSync(fd, `${crc32(body).toString(16).padStart(8, "0")}\n${body}`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
  syncFolder(dirname(path));
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
