// The audit log: what was written is there, and what was done to it is found.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
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
    path = join(folder, "audit/000000000001.jsonl");
    const log = await opened();
    await Promise.all(["one", "two", "three", "four"].map((what) => log.write(entry(what))));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has every entry in order, and goes on after a restart", async () => {
    const log = await opened();
    await log.write(entry("five"));
    assert.deepEqual(
      (await log.page(0, 99)).entries.map(({ number, what }) => `${number} ${what}`),
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

  it("goes on after a power failure in the middle of an entry that nobody was told of", async () => {
    await writeFile(path, `${await readFile(path, "utf8")}{"number":5,"atMs":1`);
    const log = await opened();
    assert.equal(await log.verify(), "");
    await log.write(entry("five"));
    const again = await opened();
    assert.equal(await again.verify(), "");
    const { entries } = await again.page(3, 99);
    assert.deepEqual(
      entries.map(({ what }) => what),
      ["four", "five"],
    );
  });

  it("stays within its files, over which the chain goes on", async () => {
    const limits = { fileBytes: 1_000, files: 3 };
    const small = async () => {
      const log = new AuditLog(systemDisk(), folder, () => 1_000, limits);
      await log.open();
      return log;
    };
    const files = () => readdirSync(join(folder, "audit")).filter((name) => name.endsWith(".jsonl"));
    const log = await small();
    for (let i = 0; i < 60; i++) await log.write(entry(`more ${i}`));
    assert.equal(await log.verify(), "");
    assert.ok(files().length <= limits.files, files().join());
    const { entries, more } = await (await small()).page(0, 5);
    assert.ok(more && entries.length === 5 && (entries[0]?.number ?? 0) > 40, JSON.stringify(entries[0]));
    const rest = await log.page(entries[4]?.number ?? 0, 99);
    assert.deepEqual([rest.more, rest.entries.at(-1)?.number], [false, 64]);
    assert.equal(await (await small()).verify(), "");
    await (await small()).write(entry("after a restart"));
    assert.equal(await (await small()).verify(), "");

    const whole = files().map(
      (name) => [join(folder, "audit", name), readFileSync(join(folder, "audit", name))] as const,
    );
    const [oldest] = whole;
    for (const [file, bytes] of whole) {
      await writeFile(file, bytes.toString().replace("more", "less"));
      assert.match(await (await small()).verify(), /is not what was written/, file);
      await rm(file);
      assert.match(await (await small()).verify(), /is not what was written|are missing/, file);
      await writeFile(file, bytes);
      assert.equal(await (await small()).verify(), "");
    }
    // Power failed after the oldest was given up, and before it was gone.
    await writeFile(join(folder, "audit/000000000001.jsonl"), oldest?.[1] ?? "");
    assert.equal(await (await small()).verify(), "");
  });

  it("says that its last line is cut", async () => {
    await writeFile(path, (await readFile(path, "utf8")).slice(0, -3));
    assert.match(await (await opened()).verify(), /last line is cut/);
  });
});
