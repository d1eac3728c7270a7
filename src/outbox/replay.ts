// What the segments of a spool say when it is opened: the messages that live, in order, and what is known besides. A torn end is
// cut off, so that it is met once.

import type { Disk } from "../base/disk.ts";
import { decodeRecords, type Head, type Put } from "./records.ts";
import { MOST_SEGMENT_BYTES, pathOf, segmentOf } from "./segment-files.ts";

export interface Replayed {
  readonly head: Head | undefined;
  /** By sequence. */
  readonly puts: readonly { readonly put: Put; readonly segment: number }[];
  readonly segments: ReadonlyMap<number, { readonly bytes: number; readonly live: number }>;
  /** The highest that were given. */
  readonly sequence: number;
  readonly mark: number;
  /** The latest that was written down. */
  readonly wallMs: number;
}

const MOST_FILES = 1_000_000;

export async function replay(disk: Disk, folder: string, say: (text: string) => void): Promise<Replayed> {
  const files = await disk.scan(folder, { skip: [], limit: MOST_FILES });
  const numbers = files.flatMap(({ path }) => segmentOf(path) ?? []).sort((a, b) => a - b);
  const live = new Map<number, { put: Put; segment: number }>();
  const bytes = new Map<number, number>();
  let head: Head | undefined;
  let [sequence, mark, wallMs] = [0, 0, 0];
  for (const number of numbers) {
    const path = pathOf(folder, number);
    const whole = await disk.read(path, MOST_SEGMENT_BYTES);
    if (whole === undefined) continue;
    const { records, end } = decodeRecords(whole);
    bytes.set(number, end);
    if (end < whole.length) {
      say(
        `${path}: what follows byte ${end} of ${whole.length} is no record, and is cut off: a write that did not end`,
      );
      await disk.replace(path, whole.subarray(0, end));
    }
    for (const record of records) {
      if (record.kind === "gone") for (const each of record.sequences) live.delete(each);
      else if (record.kind === "put") {
        live.set(record.sequence, { put: record, segment: number });
        sequence = Math.max(sequence, record.sequence);
        mark = Math.max(mark, record.mark);
      } else {
        if (record.stream !== head?.stream) mark = 0;
        head = record;
        sequence = Math.max(sequence, record.sequence);
        mark = Math.max(mark, record.mark);
        wallMs = Math.max(wallMs, record.wallMs);
      }
    }
  }
  const first = head?.first ?? 0;
  const puts = [...live.values()]
    .filter(({ segment }) => segment >= first)
    .sort((a, b) => a.put.sequence - b.put.sequence);
  const counts = new Map<number, number>();
  for (const { segment } of puts) counts.set(segment, (counts.get(segment) ?? 0) + 1);
  const segments = new Map(
    [...bytes].map(([number, size]) => [number, { bytes: size, live: counts.get(number) ?? 0 }]),
  );
  return { head, puts, segments, sequence, mark, wallMs };
}
