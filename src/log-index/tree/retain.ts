// Retention: what is older than so many days is let go of, now and whenever logs are added.
//
// A segment goes as a whole once its last record is too old, so up to a segment's records stay longer.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { ChunkWriter } from "../chunk/chunk-writer.ts";
import type { IndexFacts } from "../find/index.ts";
import { CHUNK, noteFacts, readConfig } from "./config.ts";

export interface RetainRequest {
  /** Of an index or of a part of it; those below it are meant too. */
  readonly folder: string;
  /** Undefined: nothing is let go of any more. */
  readonly days: number | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What is there afterwards, and how many records went. The raw logs stay as they are. */
export function retainLogs({ folder, days, now }: RetainRequest): {
  readonly dropped: number;
  readonly facts: IndexFacts;
} {
  if (days !== undefined && !(days > 0))
    throw new Fault("invalid", `${days} days cannot be kept; write a number above 0`);
  let dropped = 0;
  for (const { name } of readConfig(folder).folders) {
    if (existsSync(join(folder, name))) dropped += retainLogs({ folder: join(folder, name), days, now }).dropped;
  }
  const chunk = join(folder, CHUNK);
  if (existsSync(chunk) && days !== undefined) {
    const writer = new ChunkWriter({ folder: chunk });
    try {
      const before = rowsOf(writer);
      writer.tidy({ before: oldest(days, now) });
      dropped += before - rowsOf(writer);
    } finally {
      writer.close();
    }
  }
  const facts = noteFacts(folder, ({ retainDays: _, ...config }) => ({
    ...config,
    ...(days === undefined ? {} : { retainDays: days }),
  }));
  return { dropped, facts };
}

/** The first moment that is kept. */
export function oldest(days: number, now: number): number {
  return Math.floor(now - days * 86_400);
}

function rowsOf({ manifest }: ChunkWriter): number {
  return manifest.segments.reduce((sum, { rows }) => sum + rows, 0);
}
