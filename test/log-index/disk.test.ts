// The disk of an index: when it is full, and what is let go of with time.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { addLogs } from "../../src/log-index/tree/add-logs.ts";
import { identified, readConfig } from "../../src/log-index/tree/config.ts";
import { IndexDispatcher } from "../../src/log-index/tree/index-dispatcher.ts";
import { retainLogs } from "../../src/log-index/tree/retain.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, scanPlainly } from "./plain-scan.ts";

const { clock } = systemEnv();
const START = 1_431_907_200;
const folders: string[] = [];
const mounts: string[] = [];
afterEach(() => {
  for (const folder of mounts.splice(0)) execFileSync("umount", ["-l", folder]);
});
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  return folder;
}

function sample(lines: number, start = START, days = 1): string[] {
  const parts = [...sampleLog({ lines, days, seed: 3, start, format: "common" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

describe("an index on a disk that is full", { timeout: 300_000 }, () => {
  it("keeps what was written before, says what to do, and goes on where it stopped", async (test) => {
    const disk = await scratch();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "pipe" });
    } catch {
      return test.skip("this user may not mount a file system");
    }
    mounts.push(disk);
    const folder = join(disk, "chunk");
    const log = join(await scratch(), "access.log");
    const lines = sample(20_000);
    writeFileSync(log, textOf(lines));
    const answer = async () => {
      const chunk = new Chunk({ folder, name: "full", clock });
      await chunk.wakeUp();
      const { lines: found, gaps } = await ask(chunk, ALWAYS);
      const wrong = await chunk.valid();
      chunk.sleep();
      assert.deepEqual([gaps, wrong], [[], []]);
      return found;
    };
    const add = async () => {
      const writer = new ChunkWriter({ folder, segmentRows: 2_000 });
      try {
        await writer.addFile(log, { format: "common" });
        writer.flush();
      } finally {
        writer.close();
      }
    };
    const isFull = { code: "overloaded", message: /the disk of .* is full; make room and run it again/ };
    await assert.rejects(add(), isFull);
    const before = await answer();
    assert.ok(before.length > 0 && before.length < lines.length, `${before.length} records`);
    assert.deepEqual(before, scanPlainly(lines.slice(0, before.length), ALWAYS));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".new")),
      [],
      "nothing half-written is left",
    );
    await assert.rejects(add(), isFull, "it is still full");
    assert.deepEqual(await answer(), before);
    execFileSync("mount", ["-o", "remount,size=16m", disk]);
    await add();
    const all = scanPlainly(lines, ALWAYS);
    assert.deepEqual(await answer(), all);
    // Joining needs room as well, and harms nothing where there is none.
    const writer = new ChunkWriter({ folder });
    fill(join(disk, "filling"));
    assert.throws(() => writer.tidy({ everything: true }), isFull);
    assert.deepEqual(await answer(), all);
    rmSync(join(disk, "filling"));
    assert.ok(writer.tidy({ everything: true }).joined > 0);
    writer.close();
    assert.deepEqual(await answer(), all);
  });
});

describe("an index on a disk that cannot be written to", { timeout: 300_000 }, () => {
  it("is served under a name for that process alone", async (test) => {
    const disk = await scratch();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "pipe" });
    } catch {
      return test.skip("this user may not mount a file system");
    }
    mounts.push(disk);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    assert.equal(
      identified(disk, "north", () => "one"),
      "one",
    );
    assert.equal(
      identified(disk, "north", () => "two"),
      "two",
    );
    execFileSync("mount", ["-o", "remount,rw", disk]);
    assert.equal(
      identified(disk, "north", () => "three"),
      "three",
    );
    assert.equal(
      identified(disk, "north", () => "four"),
      "three",
    );
  });
});

function fill(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "ENOSPC");
  } finally {
    closeSync(fd);
  }
}

describe("retention", { timeout: 300_000 }, () => {
  it("lets go of what is too old, in a folder and those below it, then and with every add; the raw logs stay", async () => {
    const folder = await scratch();
    const logs = join(folder, "web");
    const home = join(folder, "home");
    const days = [0, 1, 2, 3].map((day) => sample(200, START + day * 86_400));
    mkdirSync(join(logs, "shop"), { recursive: true });
    writeFileSync(join(logs, "access.log"), textOf(days.slice(0, 3).flat()));
    writeFileSync(join(logs, "shop", "access.log"), textOf(days.slice(0, 3).flat()));
    // Segments of half a day, which are not joined, so that what is too old goes without waiting for the rest.
    const add = (now?: number) =>
      addLogs({
        ...{ home, path: logs, format: "auto", segmentRows: 100, isFollowing: true },
        ...(now === undefined ? {} : { now }),
      });
    const count = async () => (await ask(index(), ALWAYS)).lines;
    const index = () => new IndexDispatcher({ folder: home, name: "", clock, fetch });
    await add();
    const now = START + 3 * 86_400;
    const kept = (lines: readonly string[], since: number) => scanPlainly(lines, { from: since, to: ALWAYS.to });
    const before = await count();
    assert.equal(before.length, 1_200);
    assert.throws(() => retainLogs({ folder: join(home, "web"), days: 0, now }), /0 days cannot be kept/);
    const { dropped, facts } = retainLogs({ folder: join(home, "web"), days: 1, now });
    const after = await count();
    assert.equal(dropped, 1_200 - after.length);
    assert.equal(facts.records, after.length);
    assert.ok(dropped >= 400, `${dropped} records are more than a day and a segment too old`);
    for (const line of new Set(kept(days.slice(0, 3).flat(), now - 86_400)))
      assert.equal(after.filter((each) => each === line).length, before.filter((each) => each === line).length);
    assert.equal(readConfig(join(home, "web")).retainDays, 1);
    assert.equal(readConfig(join(home, "web", "shop")).retainDays, 1);
    // Long after, with a day's more lines: the old ones go, and are not read again from the raw log that still has them.
    writeFileSync(join(logs, "access.log"), textOf(days.flat()));
    const sum = await add(now + 86_400 + 3_600);
    assert.equal(sum.records, 200);
    const last = await count();
    assert.ok(last.every((line) => after.includes(line) || days[3]?.includes(line)));
    for (const line of days[3] ?? []) assert.ok(last.includes(line) || kept([line], now + 3_600).length === 0);
    retainLogs({ folder: join(home, "web"), days: undefined, now });
    assert.equal(readConfig(join(home, "web")).retainDays, undefined);
    await add(now + 1_000 * 86_400);
    assert.deepEqual(await count(), last);
  });
});
