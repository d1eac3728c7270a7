// A chunk asleep: its questions answered from the raw files it was made of, within what it has taken in of them. What no segment of
// the span was made of is not looked at, so of many logs only those of the days asked for are opened.

import { statSync } from "node:fs";
import type { Manifest, SourceEntry } from "../chunk/manifest.ts";
import { type Found, locate } from "../chunk/rebuild.ts";
import type { Batch } from "../find/batch.ts";
import { type PlainRecord, plainBatch } from "../find/plain-batch.ts";
import type { Query } from "../find/query.ts";
import { namedParser } from "../parsing/format.ts";
import type { LineSearch } from "./line-search.ts";
import { type RawFile, searchRaw } from "./raw-search.ts";

const BATCH_RECORDS = 1 << 14;

/** Where sources were found last: looked for again where the file there is not the same any more. */
export class Located {
  readonly #known = new Map<number, { readonly source: SourceEntry; readonly found: Found; readonly state: string }>();

  async find(source: SourceEntry): Promise<Found | undefined> {
    const known = this.#known.get(source.id);
    const isSame = known?.source.tail.at === source.tail.at && known.state === stateOf(known.found.path);
    if (isSame) return known.found;
    const found = await locate(source);
    if (found === undefined) this.#known.delete(source.id);
    else this.#known.set(source.id, { source, found, state: stateOf(found.path) });
    return found;
  }
}

/** Differs whenever another file is there, or it was written to. */
function stateOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts === undefined ? "" : `${facts.ino}.${facts.size}.${facts.mtimeMs}`;
}

/** Undefined where not all raw files that the span needs are there any more. */
export async function rawFilesOf(manifest: Manifest, query: Query, located: Located): Promise<RawFile[] | undefined> {
  const files: RawFile[] = [];
  for (const [id, spans] of spansOf(manifest, query)) {
    const source = manifest.sources.find((each) => each.id === id);
    if (source === undefined) return undefined;
    const found = await located.find(source);
    if (found === undefined) return undefined;
    const parser = namedParser(source.format);
    for (const { from, to } of spans) {
      files.push({ ...found, parser, from, to, latenessSeconds: source.lateness, endsWhole: source.isPacked });
    }
  }
  return files;
}

interface Span {
  readonly from: number;
  to: number;
}

/** What of each source is in segments that have records of the span of time; in the order of sources. */
function spansOf({ segments, sources }: Manifest, { from, to }: Query): Map<number, Span[]> {
  const spans = new Map<number, Span[]>(sources.map(({ id }) => [id, []]));
  const parts = segments.filter((entry) => entry.to >= from && entry.from < to).flatMap((entry) => entry.parts);
  for (const part of parts.sort((a, b) => a.from - b.from)) {
    const list = spans.get(part.source) ?? [];
    const last = list.at(-1);
    if (last !== undefined && last.to === part.from) last.to = part.to;
    else list.push({ from: part.from, to: part.to });
    spans.set(part.source, list);
  }
  return new Map([...spans].filter(([, list]) => list.length > 0));
}

/** In order of time; among those of one second, in the order of reading. */
export async function findRaw(files: readonly RawFile[], query: Query, search?: LineSearch): Promise<Batch[]> {
  const records: PlainRecord[] = [];
  for (const file of files) await searchRaw(file, query, (record) => records.push(record), search);
  records.sort((a, b) => a.time - b.time);
  const batches: Batch[] = [];
  for (let from = 0; from < records.length; from += BATCH_RECORDS)
    batches.push(plainBatch(records.slice(from, from + BATCH_RECORDS)));
  return batches;
}
