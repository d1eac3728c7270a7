// Keeping a chunk in few files: small neighbours become one segment, postings of segments become one file, the old goes.
//
// Merging is by size tiers, as in log-structured merge trees (O'Neil 1996): a row is rewritten about once a tier, not with
// every append. Nothing is changed in place: a reader that has the old files open goes on with them.

import { join } from "node:path";
import { linesOf } from "../segment/copy-rows.ts";
import { mergePostings, POSTINGS_SEGMENTS } from "../segment/merge-postings.ts";
import { Postings } from "../segment/postings.ts";
import { SEGMENT_ROWS } from "../segment/row.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentBuilder } from "../segment/segment-builder.ts";
import { writeSegment } from "../segment/segment-writer.ts";
import type { Manifest, PostingsEntry, SegmentEntry, SourcePart } from "./manifest.ts";

export interface TidySettings {
  /** Segments whose last row is older are dropped. */
  readonly before?: number;
  /** As many as can be are joined, not only where a tier is full. */
  readonly everything?: boolean;
}

/** Neighbours of a tier before they are joined. */
const FAN_IN = 8;

interface Tidied {
  readonly manifest: Manifest;
  readonly joined: number;
  readonly dropped: number;
}

/** The manifest to replace the given one with; the same where there is nothing to do. */
export function tidied(folder: string, manifest: Manifest, { before = 0, everything = false }: TidySettings): Tidied {
  const kept = manifest.segments.filter(({ to }) => to >= before);
  const dropped = manifest.segments.length - kept.length;
  let now: Manifest = dropped === 0 ? manifest : { ...manifest, segments: kept };
  let joined = 0;
  for (;;) {
    const run = smallRun(now.segments, everything);
    if (run === undefined) break;
    const next = joinSegments(folder, now, run);
    if (next === undefined) break;
    joined += now.segments.length - next.segments.length + 1;
    now = next;
  }
  now = withoutDead(now);
  for (;;) {
    const pack = postingsToMerge(now, everything);
    if (pack === undefined) break;
    now = joinPostings(folder, now, pack);
  }
  return { manifest: now, joined, dropped };
}

/** Neighbours of about the same size that fit one segment together. */
function smallRun(segments: readonly SegmentEntry[], everything: boolean): readonly SegmentEntry[] | undefined {
  const least = everything ? 2 : FAN_IN;
  for (let limit = FAN_IN; limit <= SEGMENT_ROWS; limit *= FAN_IN) {
    const size = everything ? SEGMENT_ROWS : limit;
    for (let from = 0; from < segments.length; from++) {
      let rows = 0;
      let to = from;
      while (
        to < segments.length &&
        (segments[to]?.rows ?? 0) < size &&
        rows + (segments[to]?.rows ?? 0) <= SEGMENT_ROWS
      )
        rows += segments[to++]?.rows ?? 0;
      if (to - from >= least) return segments.slice(from, to);
    }
  }
  return undefined;
}

/** Undefined where what they have besides rows is too much for one. */
function joinSegments(folder: string, manifest: Manifest, run: readonly SegmentEntry[]): Manifest | undefined {
  const builder = new SegmentBuilder(run.reduce((sum, { rows }) => sum + rows, 0));
  const done: SegmentEntry[] = [];
  for (const entry of run) {
    const segment = new Segment(join(folder, `${entry.name}.seg`));
    try {
      if (!builder.fits(segment.about)) break;
      for (const { line, parsed } of linesOf(segment)) builder.add(line, 0, line.length, parsed);
      done.push(entry);
    } finally {
      segment.close();
    }
  }
  const [head] = done;
  if (head === undefined || done.length < 2) return undefined;
  const name = `s${String(manifest.next).padStart(6, "0")}`;
  const written = writeSegment(join(folder, name), builder);
  const first = manifest.segments.indexOf(head);
  const segments = [...manifest.segments];
  segments.splice(first, done.length, { name, ...written, parts: joinedParts(done) });
  return {
    ...manifest,
    next: manifest.next + 1,
    segments,
    postings: [...manifest.postings, { name, segments: [name] }],
  };
}

function joinedParts(entries: readonly SegmentEntry[]): SourcePart[] {
  const parts: SourcePart[] = [];
  for (const part of entries.flatMap((entry) => entry.parts)) {
    const last = parts.at(-1);
    if (last !== undefined && last.source === part.source && last.to === part.from)
      parts[parts.length - 1] = { ...last, to: part.to };
    else parts.push(part);
  }
  return parts;
}

/** Postings of which no segment is left. */
function withoutDead(manifest: Manifest): Manifest {
  const names = new Set(manifest.segments.map(({ name }) => name));
  const postings = manifest.postings.filter(({ segments }) => segments.some((name) => names.has(name)));
  return postings.length === manifest.postings.length ? manifest : { ...manifest, postings };
}

/** Those to be merged: never so that a large one is written again for a little. */
function postingsToMerge({ segments, postings }: Manifest, everything: boolean): readonly PostingsEntry[] | undefined {
  const rowsOf = new Map(segments.map(({ name, rows }) => [name, rows]));
  const weight = (entry: PostingsEntry) => entry.segments.reduce((sum, name) => sum + (rowsOf.get(name) ?? 0), 0);
  const alive = (entry: PostingsEntry) => entry.segments.filter((name) => rowsOf.has(name)).length;
  const order = new Map(segments.map(({ name }, i) => [name, i]));
  const inOrder = [...postings].sort((a, b) => firstOf(a, order) - firstOf(b, order));
  const pack: PostingsEntry[] = [];
  let count = 0;
  // From the newest back, as long as they fit.
  for (const entry of inOrder.reverse()) {
    if (count + alive(entry) > POSTINGS_SEGMENTS) {
      if (pack.length > 1) break;
      pack.length = 0;
      count = 0;
      if (alive(entry) > POSTINGS_SEGMENTS / 2) continue;
    }
    pack.unshift(entry);
    count += alive(entry);
  }
  const total = pack.reduce((sum, entry) => sum + weight(entry), 0);
  const largest = Math.max(0, ...pack.map(weight));
  const isWorthIt = pack.length >= FAN_IN || (everything && pack.length > 1 && total >= largest * 1.25);
  return isWorthIt ? pack : undefined;
}

function firstOf({ segments }: PostingsEntry, order: ReadonlyMap<string, number>): number {
  return Math.min(...segments.map((name) => order.get(name) ?? Number.POSITIVE_INFINITY));
}

function joinPostings(folder: string, manifest: Manifest, pack: readonly PostingsEntry[]): Manifest {
  const names = new Set(manifest.segments.map(({ name }) => name));
  const inputs = pack.map(({ name }) => new Postings(join(folder, `${name}.post`)));
  const name = `p${String(manifest.next).padStart(6, "0")}`;
  try {
    const { segments } = mergePostings(join(folder, name), inputs, (segment) => names.has(segment));
    const postings = [...manifest.postings.filter((entry) => !pack.includes(entry)), { name, segments }];
    return { ...manifest, next: manifest.next + 1, postings };
  } finally {
    for (const input of inputs) input.close();
  }
}
