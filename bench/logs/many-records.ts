// What opening an index of very many records takes: in a process of its own, whose memory is nothing else.
//
// The records are those of one full segment, linked under as many names: opening reads, and memory holds, what it would of as
// many different ones. Only the disk has one.

import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { readManifest, writeManifest } from "../../src/log-index/chunk/manifest.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { SEGMENT_ROWS } from "../../src/log-index/segment/row.ts";

export interface Opened {
  readonly records: number;
  /** Of processor time. */
  readonly openMs: number;
  readonly openedMb: number;
  /** After an address and a second were asked for, which is when times and postings come into memory. */
  readonly askedMb: number;
}

/** At least so many records. */
export async function openMany(folder: string, records: number): Promise<Opened> {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "one.log");
  const fd = openSync(log, "w");
  for (const part of sampleLog({ lines: SEGMENT_ROWS, days: 1, seed: 2, start: 1_430_438_400, format: "common" }))
    writeSync(fd, part);
  const writer = new ChunkWriter({ folder });
  await writer.addFile(log, { format: "common" });
  writer.flush();
  writer.close();
  const manifest = readManifest(folder);
  const [one] = manifest?.segments ?? [];
  if (manifest === undefined || one === undefined) throw new Error("nothing was written");
  const names = Array.from({ length: Math.ceil(records / one.rows) }, (_, i) => `m${String(i).padStart(6, "0")}`);
  for (const name of names) {
    for (const ending of ["seg", "post"])
      linkSync(join(folder, `${one.name}.${ending}`), join(folder, `${name}.${ending}`));
  }
  writeManifest(folder, {
    ...manifest,
    segments: names.map((name) => ({ ...one, name })),
    // Their own lists of segments name the first alone; a question by address takes the rows of the others.
    postings: manifest.postings,
  });
  const child = fileURLToPath(new URL("open-many.ts", import.meta.url));
  const text = execFileSync(process.execPath, ["--expose-gc", child, folder], { encoding: "utf8" });
  // Written by open-many.ts.
  return { records: names.length * one.rows, ...(JSON.parse(text) as Omit<Opened, "records">) };
}
