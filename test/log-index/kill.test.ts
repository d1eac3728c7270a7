// A writer that is killed at any moment, and begun again: nothing that it took in is lost, nothing is twice there.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "../../src/base/random.ts";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { Collector } from "../../src/log-index/collect/collector.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, scanPlainly } from "./plain-scan.ts";

/** Two hundred, which takes minutes, where many seeds are asked for, as in CI. */
const KILLS = Number(process.env["UNUM_KILLS"] ?? (Number(process.env["UNUM_SEEDS"] ?? 0) >= 5_000 ? 200 : 12));
const LINES = 3_000;
/** Small, so that a kill meets a seal, a manifest or a merge. */
const SEGMENT_ROWS = 97;

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  return folder;
}

/** Answers whether the process came to its end before it was killed. */
async function writeUntilKilled(chunk: string, log: string, killAfterMs: number): Promise<boolean> {
  const script = join(import.meta.dirname, "writing.ts");
  const child = spawn(process.execPath, [script, chunk, log, String(SEGMENT_ROWS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  let said = "";
  const begun = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("begun")) resolve();
    });
  });
  await Promise.race([begun, ended]);
  // When within its work it is killed does not matter, only that it differs from time to time.
  await Promise.race([pause(killAfterMs, undefined, { ref: false }), ended]);
  child.kill("SIGKILL");
  await ended;
  return said.includes("done");
}

describe("a writer that is killed", { timeout: 1_800_000 }, () => {
  it(`loses nothing and doubles nothing, after each of ${KILLS} kills`, async () => {
    const folder = await scratch();
    const [chunk, log] = [join(folder, "chunk"), join(folder, "access.log")];
    const random = seededRandom(11);
    const { clock } = systemEnv();
    const lines: string[] = [];
    let finished = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const more = [
        ...sampleLog({ lines: LINES / 4, days: 1, seed: kill, start: 1_431_907_200 + kill * 3600, format: "common" }),
      ];
      appendFileSync(log, Buffer.concat(more));
      lines.push(...Buffer.concat(more).toString("latin1").split("\n").slice(0, -1));
      if (await writeUntilKilled(chunk, log, random.below(150))) finished++;
      // What a reader sees now is the beginning of the log, whole, and nothing else.
      const reader = new Chunk({ folder: chunk, name: "killed", clock });
      await reader.wakeUp();
      const { lines: found, gaps } = await ask(reader, ALWAYS);
      reader.sleep();
      assert.deepEqual(gaps, []);
      assert.deepEqual(found, scanPlainly(lines.slice(0, found.length), ALWAYS), `after kill ${kill}`);
    }
    const writer = new ChunkWriter({ folder: chunk, segmentRows: SEGMENT_ROWS });
    await writer.addFile(log, { format: "common" });
    writer.tidy({ everything: true });
    writer.close();
    const reader = new Chunk({ folder: chunk, name: "killed", clock });
    await reader.wakeUp();
    assert.deepEqual((await ask(reader, ALWAYS)).lines, scanPlainly(lines, ALWAYS));
    reader.sleep();
    assert.ok(finished < KILLS, "no kill fell into the work");
  });
});

describe("a collector", () => {
  it("writes lines of several servers in order, and after a crash in the middle none is lost or twice there", async () => {
    const folder = await scratch();
    const random = seededRandom(3);
    const lines = Buffer.concat([
      ...sampleLog({ lines: 400, days: 0.01, seed: 5, start: 1_431_907_200, format: "common" }),
    ])
      .toString("latin1")
      .split("\n")
      .slice(0, -1);
    const { clock } = systemEnv();
    const open = () => new Collector({ folder, clock, format: "auto", windowMs: 0 });
    let collector = open();
    const parts: string[] = [];
    let at = 0;
    while (at < lines.length) {
      const some = lines.slice(at, at + 1 + random.below(30));
      at += some.length;
      assert.deepEqual(collector.accept(Buffer.from(`${some.join("\n")}\nnot a line\n`)), {
        accepted: some.length,
        refused: 1,
      });
      const turn = random.below(3);
      // Dropped without a word, as a killed process drops it; the next one finds what it left.
      if (turn === 0) collector = open();
      if (turn === 1) parts.push(collector.write(Number.POSITIVE_INFINITY) ?? "");
    }
    parts.push(collector.write(Number.POSITIVE_INFINITY) ?? "");
    const writer = new ChunkWriter({ folder: join(folder, "chunk") });
    const written = parts.filter((path) => path !== "");
    for (const path of written) await writer.addFile(path, { format: "auto" });
    writer.flush();
    writer.close();
    const chunk = new Chunk({ folder: join(folder, "chunk"), name: "collected", clock });
    await chunk.wakeUp();
    const found = (await ask(chunk, ALWAYS)).lines;
    chunk.sleep();
    assert.deepEqual([...found].sort(), [...lines].sort());
    assert.ok(written.length > 1);
  });
});
