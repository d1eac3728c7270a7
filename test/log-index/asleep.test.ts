// A chunk asleep: which raw logs it looks at, and what it does when they change between two questions.

import assert from "node:assert/strict";
import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask } from "./plain-scan.ts";

const START = 1_431_907_200;
const DAY = 86_400;
const { clock } = systemEnv();
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Two logs of one day each, in segments of their own. */
async function twoDays() {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  const writer = new ChunkWriter({ folder: join(folder, "chunk") });
  const logs: string[] = [];
  for (const day of [0, 1]) {
    const log = join(folder, `day-${day}.log`);
    const start = START + day * DAY + 60;
    const text = [...sampleLog({ lines: 500, days: 0.9, seed: day + 1, start, format: "combined" })];
    writeFileSync(log, Buffer.concat(text));
    await writer.addFile(log, { format: "combined" });
    writer.flush();
    logs.push(log);
  }
  writer.close();
  const [first = "", second = ""] = logs;
  return { chunk: join(folder, "chunk"), folder, first, second };
}

/** Whoever answers now, it is not the index. */
function withoutSegments(folder: string): void {
  for (const name of readdirSync(folder)) if (/\.(?:seg|post)$/.test(name)) rmSync(join(folder, name));
}

describe("a chunk asleep", () => {
  it("needs the logs of the span alone", async () => {
    const { chunk, second } = await twoDays();
    rmSync(second);
    withoutSegments(chunk);
    const asleep = new Chunk({ folder: chunk, name: "two", clock });
    const answer = await ask(asleep, { from: START, to: START + DAY });
    assert.deepEqual(answer.gaps, []);
    assert.equal(answer.lines.length, 500);
    assert.notDeepEqual((await ask(asleep, ALWAYS)).gaps, []);
  });

  it("finds a log that was renamed between two questions", async () => {
    const { chunk, folder, first } = await twoDays();
    withoutSegments(chunk);
    const asleep = new Chunk({ folder: chunk, name: "two", clock });
    const before = await ask(asleep, ALWAYS);
    assert.equal(before.lines.length, 1_000);
    renameSync(first, join(folder, "day-0.log.1"));
    assert.deepEqual(await ask(asleep, ALWAYS), before);
  });

  it("believes no other log that took the place of one between two questions", async () => {
    const { chunk, first } = await twoDays();
    const asleep = new Chunk({ folder: chunk, name: "two", clock });
    const before = await ask(asleep, ALWAYS);
    const other = sampleLog({ lines: 700, days: 0.9, seed: 9, start: START + 60, format: "combined" });
    writeFileSync(first, Buffer.concat([...other]));
    // The index has it still.
    assert.deepEqual(await ask(asleep, ALWAYS), before);
  });
});
