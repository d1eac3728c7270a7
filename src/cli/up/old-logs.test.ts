// Which logs of ended containers stay.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ENDED_KEPT, removeOldLogs } from "./old-logs.ts";

describe("logs of containers that ended", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("stay for the last of them, as do those of containers that run and all other files", async () => {
    const letters = "abcdefghijklmnopqrstuvwxyz234567";
    const ids = Array.from(
      { length: ENDED_KEPT + 12 },
      (_, index) => `k${letters[index % 32]}${letters[Math.floor(index / 32)]}${"a".repeat(14)}`,
    );
    for (const [age, id] of ids.entries()) {
      for (const file of [`${id}.log`, ...(age % 2 === 0 ? [`${id}.log.1`] : [])]) {
        await writeFile(join(folder, file), "x");
        await utimes(join(folder, file), 2_000_000 - age, 2_000_000 - age);
      }
    }
    const others = ["governor.log", "keeper.log", "notes.log", "kshort.log"];
    for (const file of others) await writeFile(join(folder, file), "x");
    const oldest = ids.at(-1) ?? "";
    await removeOldLogs(folder, new Set([oldest]));
    const left = await readdir(folder);
    const leftIds = new Set(left.filter((file) => !others.includes(file)).map((file) => file.slice(0, 17)));
    assert.deepEqual(leftIds, new Set([...ids.slice(0, ENDED_KEPT), oldest]));
    assert.deepEqual(left.filter((file) => others.includes(file)).sort(), [...others].sort());
    assert.ok(left.includes(`${ids[0]}.log.1`), "with what was before it was cut");
  });
});
