// What is damaged, made again: a segment from its raw files where they still have its lines, postings from the segments.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { namedParser } from "../parsing/format.ts";
import { linesOf } from "../segment/copy-rows.ts";
import { mergePostings } from "../segment/merge-postings.ts";
import { Postings } from "../segment/postings.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentBuilder } from "../segment/segment-builder.ts";
import { writeSegment } from "../segment/segment-writer.ts";
import type { ChunkWriter } from "./chunk-writer.ts";
import { LineReader } from "./line-reader.ts";
import type { SegmentEntry, SourceEntry } from "./manifest.ts";
import { contentOf, isSameContent, type Packing, packingOf } from "./source-file.ts";

export interface Found {
  readonly path: string;
  readonly packing: Packing;
}

/** Where a source's content is now: where it was, or under another name in the same folder. */
export async function locate(source: SourceEntry): Promise<Found | undefined> {
  const folder = dirname(source.path);
  let names: readonly string[] = [];
  try {
    names = readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return undefined; // The folder is gone, and so are its files.
  }
  for (const path of [source.path, ...names.filter((name) => name !== source.path)]) {
    try {
      const packing = packingOf(path);
      if ((await isSameContent(path, packing, source)) === "same") return { path, packing };
    } catch {
      // A folder, a file that may not be read or that went away: not the one.
    }
  }
  return undefined;
}

/** False where the raw files do not have its lines any more. */
export async function rebuildSegment(writer: ChunkWriter, entry: SegmentEntry): Promise<boolean> {
  const builder = new SegmentBuilder(entry.rows);
  for (const part of entry.parts) {
    const source = writer.manifest.sources.find(({ id }) => id === part.source);
    const found = source === undefined ? undefined : await locate(source);
    if (source === undefined || found === undefined) return false;
    let isTooMuch = false;
    const reader = new LineReader(namedParser(source.format), {
      hasRoom: () => !builder.isFull,
      makeRoom: () => {
        isTooMuch = true;
      },
      take: (bytes, from, to, parsed) => {
        if (!isTooMuch) builder.add(bytes, from, to, parsed);
      },
      refuse: () => {},
      passed: () => {},
    });
    for await (const bytes of contentOf(found.path, found.packing, part.from, part.to - part.from)) reader.push(bytes);
    reader.end();
    if (isTooMuch) return false;
  }
  if (builder.rows !== entry.rows) return false;
  writer.replace((manifest) => {
    const name = `s${String(manifest.next).padStart(6, "0")}`;
    const written = writeSegment(join(writer.folder, name), builder);
    return {
      ...manifest,
      next: manifest.next + 1,
      segments: manifest.segments.map((each) => (each.name === entry.name ? { ...each, ...written, name } : each)),
      postings: [...manifest.postings, { name, segments: [name] }].filter(
        ({ segments }) => !segments.every((segment) => segment === entry.name),
      ),
    };
  });
  return true;
}

/** Postings that cannot be read are made again from the rows of their segments. */
export function rebuildPostings(writer: ChunkWriter, name: string): void {
  writer.replace((manifest) => {
    const entry = manifest.postings.find((each) => each.name === name);
    if (entry === undefined) return manifest;
    const alive = entry.segments.filter((segment) => manifest.segments.some((each) => each.name === segment));
    const made = alive.map((segmentName, i) => {
      const temporary = `t${String(manifest.next + 1 + i).padStart(6, "0")}`;
      const segment = new Segment(join(writer.folder, `${segmentName}.seg`));
      const builder = new SegmentBuilder(segment.rows);
      for (const { line, parsed } of linesOf(segment)) builder.add(line, 0, line.length, parsed);
      segment.close();
      return { temporary, segmentName, builder };
    });
    // A segment that is written again has other numbers for its strings, so it takes the place of the old one.
    const segments = manifest.segments.map((each) => {
      const again = made.find(({ segmentName }) => segmentName === each.name);
      if (again === undefined) return each;
      const written = writeSegment(join(writer.folder, again.temporary), again.builder);
      return { ...each, ...written, name: again.temporary };
    });
    const inputs = made.map(({ temporary }) => new Postings(join(writer.folder, `${temporary}.post`)));
    const merged = `p${String(manifest.next).padStart(6, "0")}`;
    const covered = mergePostings(join(writer.folder, merged), inputs, () => true).segments;
    for (const input of inputs) input.close();
    return {
      ...manifest,
      next: manifest.next + 1 + made.length,
      segments,
      postings: [...manifest.postings.filter((each) => each !== entry), { name: merged, segments: covered }],
    };
  });
}
