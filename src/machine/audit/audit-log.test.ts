// The audit log: what was written is there, and what was done to it is found.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { systemDisk } from "../../system/disk.ts";
import { AuditLog } from "./audit-log.ts";

describe("the audit log", () => {
  let folder = "";
  let path = "";
  const opened = async () => {
    const log = new AuditLog(systemDisk(), folder, () => 1_000);
    await log.open();
    return log;
  };
  const entry = (what: string) => ({ who: "0123456789abcdef", what, verdict: "done" as const, why: "" });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-audit-"));
    path = join(folder, "audit.jsonl");
    const log = await opened();
    await Promise.all(["one", "two", "three", "four"].map((what) => log.write(entry(what))));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has every entry in order, and goes on after a restart", async () => {
    const log = await opened();
    await log.write(entry("five"));
    assert.deepEqual(
      log.entries.map(({ number, what }) => `${number} ${what}`),
      ["1 one", "2 two", "3 three", "4 four", "5 five"],
    );
    assert.equal(await log.verify(), "");
  });

  const TAMPERED: readonly (readonly [string, (lines: string[]) => string[], RegExp])[] = [
    ["an entry was changed", (lines) => lines.map((line) => line.replace("two", "2wo")), /entry 2/],
    ["an entry was left out", (lines) => lines.filter((line) => !line.includes("two")), /entry 2/],
    ["two entries changed places", ([a = "", b = "", ...rest]) => [b, a, ...rest], /entry 1/],
    ["an entry was put in", ([a = "", ...rest]) => [a, a, ...rest], /entry 2/],
    ["entries were cut from the end", (lines) => lines.slice(0, 2), /missing after entry 2/],
    ["all of it is gone", () => [], /missing after entry 0/],
    ["a line is no entry", (lines) => [...lines, "nonsense"], /entry 5/],
  ];
  for (const [what, change, told] of TAMPERED) {
    it(`says that ${what}`, async () => {
      const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
      await writeFile(
        path,
        change(lines)
          .map((line) => `${line}\n`)
          .join(""),
      );
      assert.match(await (await opened()).verify(), told);
    });
  }

  it("says that its last line is cut", async () => {
    await writeFile(path, (await readFile(path, "utf8")).slice(0, -3));
    assert.match(await (await opened()).verify(), /last line is cut/);
  });
});
