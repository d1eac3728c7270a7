// Log files read as they grow and are cut.

import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { systemDisk } from "../system/disk.ts";
import { LogTail } from "./log-tail.ts";

describe("the tail of a log", () => {
  let folder = "";
  let number = 0;
  const newPath = () => join(folder, `${++number}.log`);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-tail-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("is its last lines that have ended, then what is added, each once", async () => {
    const path = newPath();
    await writeFile(path, "one\ntwo\nthree\nfo");
    const tail = new LogTail(path);
    assert.deepEqual(await tail.last(2), ["two", "three"]);
    assert.deepEqual(await tail.more(), []);
    await appendFile(path, "ur\nfive\n");
    assert.deepEqual(await tail.more(), ["four", "five"]);
    assert.deepEqual(await tail.more(), []);
  });

  it("is nothing where there is no file, and all of one that comes", async () => {
    const path = newPath();
    const tail = new LogTail(path);
    assert.deepEqual([await tail.last(9), await tail.more()], [[], []]);
    await writeFile(path, "first\n");
    assert.deepEqual(await tail.more(), ["first"]);
  });

  it("is none with 0 lines, and goes on behind them", async () => {
    const path = newPath();
    await writeFile(path, "old\n");
    const tail = new LogTail(path);
    assert.deepEqual(await tail.last(0), []);
    await appendFile(path, "new\n");
    assert.deepEqual(await tail.more(), ["new"]);
  });

  it("loses no line where the log is cut between two looks", async () => {
    const path = newPath();
    const lines = Array.from({ length: 400 }, (_, index) => `line ${index} ${"x".repeat(50)}`);
    const tail = new LogTail(path);
    const seen: string[] = [];
    let cuts = 0;
    for (let at = 0; at < lines.length; at += 7) {
      await appendFile(
        path,
        lines
          .slice(at, at + 7)
          .map((line) => `${line}\n`)
          .join(""),
      );
      // Now and then it is looked at, now and then it is cut; in between both.
      if (at % 5 === 0) seen.push(...(await tail.more()));
      if (at % 11 === 0 && (await systemDisk().capLog(path, 4_000))) cuts++;
    }
    seen.push(...(await tail.more()));
    assert.ok(cuts > 2, "the log was cut");
    assert.deepEqual(seen, lines);
  });

  it("starts again with a log that was emptied and of which nothing was kept", async () => {
    const path = newPath();
    await writeFile(path, "one\ntwo\n");
    const tail = new LogTail(path);
    await tail.last(1);
    await truncate(path);
    await appendFile(path, "3\n");
    assert.deepEqual(await tail.more(), ["3"]);
  });

  it("shows the beginning of a line that has no end in sight", async () => {
    const path = newPath();
    await writeFile(path, `${"x".repeat(200_000)}\nshort\n`);
    const [long = "", short] = await new LogTail(path).last(2);
    assert.ok(long.length < 70_000);
    assert.equal(short, "short");
  });
});
