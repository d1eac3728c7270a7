// A chunk asleep: its questions answered from the raw files it was made of, within what it has taken in of them.

import type { Manifest, SourceEntry } from "../chunk/manifest.ts";
import { locate } from "../chunk/rebuild.ts";
import type { Batch } from "../find/batch.ts";
import { type PlainRecord, plainBatch } from "../find/plain-batch.ts";
import type { Query } from "../find/query.ts";
import { namedParser } from "../parsing/format.ts";
import type { LineSearch } from "./line-search.ts";
import { type RawFile, searchRaw } from "./raw-search.ts";

const BATCH_RECORDS = 1 << 14;

/** Undefined where not all raw files are there any more. */
export async function rawFilesOf(manifest: Manifest): Promise<RawFile[] | undefined> {
  const files: RawFile[] = [];
  for (const source of manifest.sources) {
    const spans = spansOf(manifest, source);
    if (spans.length === 0) continue;
    const found = await locate(source);
    if (found === undefined) return undefined;
    for (const { from, to } of spans) {
      files.push({
        ...found,
        ...{ parser: namedParser(source.format), from, to, latenessSeconds: source.lateness },
        endsWhole: source.isPacked,
      });
    }
  }
  return files;
}

/** What of a source is in segments. */
function spansOf(manifest: Manifest, source: SourceEntry): { from: number; to: number }[] {
  const parts = manifest.segments
    .flatMap((segment) => segment.parts)
    .filter((part) => part.source === source.id)
    .sort((a, b) => a.from - b.from);
  const spans: { from: number; to: number }[] = [];
  for (const { from, to } of parts) {
    const last = spans.at(-1);
    if (last !== undefined && last.to === from) last.to = to;
    else spans.push({ from, to });
  }
  return spans;
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
