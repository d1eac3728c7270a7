// The real access log beside the checkout: counts exact, every line given back, in order, awake and asleep.

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, scanPlainly } from "./plain-scan.ts";

const LOG = join(import.meta.dirname, "../../../shared/data/apache_access.log");
const options = existsSync(LOG) ? {} : { skip: "../shared/data/apache_access.log is not beside the checkout" };

describe("the real access log", options, () => {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it("comes back whole, and is found in by address and hour", async () => {
    const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
    folders.push(folder);
    const writer = new ChunkWriter({ folder, segmentRows: 2_500 });
    const added = await writer.addFile(LOG, { format: "auto" });
    writer.flush();
    const lines = readFileSync(LOG, "latin1").split("\n").slice(0, -1);
    const { clock } = systemEnv();
    const chunk = new Chunk({ folder, name: "real", clock });
    const questions = [
      ALWAYS,
      { ...ALWAYS, addresses: AddressSet.parse(["83.149.9.216"]) },
      { from: 1_431_957_600, to: 1_431_961_200, addresses: AddressSet.parse(["66.249.73.0/24", "46.105.14.53"]) },
      { from: 1_431_957_903, to: 1_431_957_904 },
    ];
    const asleep = await Promise.all(questions.map((query) => ask(chunk, query)));
    await chunk.wakeUp();
    const awake = await Promise.all(questions.map((query) => ask(chunk, query)));
    chunk.sleep();
    writer.close();
    assert.ok(added.outcome === "read");
    assert.deepEqual([added.records, added.bad], [10_000, 0]);
    for (const [i, query] of questions.entries()) {
      const wanted = scanPlainly(lines, query);
      assert.deepEqual(awake[i]?.lines, wanted);
      assert.deepEqual(asleep[i]?.lines, wanted);
    }
    assert.equal(awake[1]?.lines.length, 23);
  });
});
