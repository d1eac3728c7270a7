// One address looked for in raw logs by ripgrep: the same answer as without it, whatever is in the log and however ripgrep fails.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ripgrep } from "../../src/cli/log-index/ripgrep.ts";
import type { LineSearch } from "../../src/log-index/asleep/line-search.ts";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, scanPlainly } from "./plain-scan.ts";

const { clock } = systemEnv();
const START = 1_431_907_200;
const isThere = spawnSync("rg", ["--version"]).status === 0;
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An index of a log in which 10.0.0.1 is spelled in many ways, and much else stands. */
async function indexed() {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  const log = join(folder, "access.log");
  const parts = [...sampleLog({ lines: 2_000, days: 1, seed: 5, start: START, format: "combined" })];
  const lines = Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
  const spellings = [
    "10.0.0.1",
    "010.000.000.001",
    "::ffff:10.0.0.1",
    "::FFFF:0a00:1",
    "10.0.0.11",
    "110.0.0.1",
    "10.0.0.1x",
    "10x0.0.1",
  ];
  const mixed = lines.map((line, i) => {
    const spelled = line.replace(/^\S+/, spellings[i % 40] ?? (line.split(" ")[0] || ""));
    if (i % 97 === 0) return `${spelled}\r`;
    return i % 89 === 0 ? `10.0.0.1 \u0000\u00ff junk` : spelled;
  });
  writeFileSync(log, mixed.map((line) => `${line}\n`).join(""), "latin1");
  const writer = new ChunkWriter({ folder: join(folder, "chunk"), segmentRows: 500 });
  await writer.addFile(log, { format: "common" });
  writer.flush();
  writer.close();
  // What came later is not in the index, and so in no answer.
  appendFileSync(log, `${mixed[0]}\n10.0.0.1 half a line`);
  return { folder: join(folder, "chunk"), lines: mixed };
}

const one = { ...ALWAYS, addresses: AddressSet.parse(["10.0.0.1"]) };
const evening = { from: START + 60_000, to: START + 70_000, addresses: one.addresses };

function asleep(folder: string, search?: LineSearch): Chunk {
  return new Chunk({ folder, name: "raw", clock, search });
}

describe("one address in raw logs", () => {
  it("is found by ripgrep as by our own scan", isThere ? {} : { skip: "ripgrep is not installed" }, async () => {
    const { folder, lines } = await indexed();
    const told: string[] = [];
    let asked = 0;
    const search = ripgrep((text) => told.push(text), 0);
    const counted: LineSearch = {
      ...search,
      lines: (path, pattern) => {
        asked++;
        return search.lines(path, pattern);
      },
    };
    for (const query of [one, evening]) {
      const found = await ask(asleep(folder, counted), query);
      const own = await ask(asleep(folder), query);
      assert.deepEqual(found, own);
      assert.deepEqual(found.lines, scanPlainly(lines, query));
    }
    assert.ok(scanPlainly(lines, one).length > 100);
    assert.ok(asked > 0, "ripgrep was asked");
    assert.deepEqual(told, []);
  });

  it("is found without it where it is not installed, or breaks off", async () => {
    const { folder, lines } = await indexed();
    const told: string[] = [];
    const path = process.env["PATH"];
    process.env["PATH"] = "";
    try {
      assert.deepEqual(
        (
          await ask(
            asleep(
              folder,
              ripgrep((text) => told.push(text), 0),
            ),
            one,
          )
        ).lines,
        scanPlainly(lines, one),
      );
    } finally {
      process.env["PATH"] = path;
    }
    assert.equal(told.length, 0, "that it is not installed is no news");
    const broken: LineSearch = {
      leastBytes: 0,
      told: (text) => told.push(text),
      async *lines() {
        yield Buffer.from(`0:${lines[0]}\n`, "latin1");
        throw new Error("it ended with 2");
      },
    };
    assert.deepEqual((await ask(asleep(folder, broken), one)).lines, scanPlainly(lines, one));
    assert.match(told.join(), /it ended with 2; .*access\.log is read without it/);
  });
});
