// One moment of a chunk, open for reading: what its manifest names, less what is damaged.

import { join } from "node:path";
import { coverageOf, Scratch, type Snapshot } from "../find/plan.ts";
import { Postings } from "../segment/postings.ts";
import { DamagedFile } from "../segment/section-file.ts";
import { Segment } from "../segment/segment.ts";
import {
  isMissing,
  type Manifest,
  manifestVersion,
  NEW_MANIFEST,
  readManifest,
  type SegmentEntry,
} from "./manifest.ts";

export interface Damage {
  readonly entry: SegmentEntry;
  readonly why: string;
}

export interface OpenSnapshot extends Snapshot {
  readonly manifest: Manifest;
  readonly version: string;
  /** Segments that cannot be read. */
  readonly damaged: readonly Damage[];
  /** Names of postings that cannot be read: questions take the other road. */
  readonly damagedPostings: readonly string[];
}

/** Tries of a reader that a writer's tidying overtakes. */
const TRIES = 5;

/** DamagedFile where the manifest itself cannot be believed. */
export function openSnapshot(folder: string): OpenSnapshot {
  for (let tries = 1; ; tries++) {
    const version = manifestVersion(folder);
    const manifest = readManifest(folder) ?? NEW_MANIFEST;
    const opened = open(folder, manifest, version);
    // A file that went away with its manifest is no damage.
    if (!opened.isMissingFile || tries === TRIES || manifestVersion(folder) === version) return opened.snapshot;
    closeSnapshot(opened.snapshot);
  }
}

function open(folder: string, manifest: Manifest, version: string): { snapshot: OpenSnapshot; isMissingFile: boolean } {
  const segments: Segment[] = [];
  const names: string[] = [];
  const damaged: Damage[] = [];
  const postings: Postings[] = [];
  const damagedPostings: string[] = [];
  let isMissingFile = false;
  for (const entry of manifest.segments) {
    const opened = orDamage(() => new Segment(join(folder, `${entry.name}.seg`)));
    if (opened instanceof Segment) {
      segments.push(opened);
      names.push(entry.name);
    } else {
      isMissingFile ||= opened.isMissing;
      damaged.push({ entry, why: opened.why });
    }
  }
  for (const { name } of manifest.postings) {
    const opened = orDamage(() => new Postings(join(folder, `${name}.post`)));
    if (opened instanceof Postings) postings.push(opened);
    else {
      isMissingFile ||= opened.isMissing;
      damagedPostings.push(name);
    }
  }
  const coverage = coverageOf(names, postings);
  const scratch = new Scratch();
  return {
    snapshot: { manifest, version, segments, names, postings, coverage, scratch, damaged, damagedPostings },
    isMissingFile,
  };
}

function orDamage<T>(act: () => T): T | { readonly why: string; readonly isMissing: boolean } {
  try {
    return act();
  } catch (error) {
    if (error instanceof DamagedFile) return { why: error.message, isMissing: false };
    if (isMissing(error)) return { why: error instanceof Error ? error.message : String(error), isMissing: true };
    throw error;
  }
}

/** The same without what a DamagedFile was thrown for; undefined where nothing of it is that file. */
export function without(snapshot: OpenSnapshot, damage: DamagedFile): OpenSnapshot | undefined {
  const at = snapshot.segments.findIndex(({ file }) => file.path === damage.path);
  if (at >= 0) {
    const name = snapshot.names[at];
    const entry = snapshot.manifest.segments.find((each) => each.name === name);
    if (entry === undefined) return undefined;
    const names = snapshot.names.filter((_, i) => i !== at);
    return {
      ...snapshot,
      segments: snapshot.segments.filter((_, i) => i !== at),
      names,
      coverage: coverageOf(names, snapshot.postings),
      damaged: [...snapshot.damaged, { entry, why: damage.message }],
    };
  }
  const bad = snapshot.postings.find(({ file }) => file.path === damage.path);
  if (bad === undefined) return undefined;
  const file = bad.file.path.slice(bad.file.path.lastIndexOf("/") + 1).replace(/\.post$/, "");
  const postings = snapshot.postings.filter((each) => each !== bad);
  return {
    ...snapshot,
    postings,
    coverage: coverageOf(snapshot.names, postings),
    damagedPostings: [...snapshot.damagedPostings, file],
  };
}

export function closeSnapshot({ segments, postings }: Snapshot): void {
  for (const segment of segments) segment.close();
  for (const each of postings) each.close();
}
