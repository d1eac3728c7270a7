import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { planOf } from "./plan.ts";
import { runPlan } from "./run-plan.ts";

const run = promisify(execFile);

describe("a seed", () => {
  it("has the same trace in two runs of one process, and another seed has another", async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const first = await runPlan(planOf(seed));
      const second = await runPlan(planOf(seed));
      assert.ok(first.events.length > 100);
      assert.equal(second.hash, first.hash, `seed ${seed}`);
      assert.deepEqual(second.events, first.events);
      hashes.add(first.hash);
    }
    assert.equal(hashes.size, 20);
  });

  it("has the same trace in another process", async () => {
    const replay = fileURLToPath(new URL("./replay.ts", import.meta.url));
    const { stdout } = await run(process.execPath, [replay, "7"], { timeout: 60_000 });
    const { hash } = await runPlan(planOf(7));
    assert.match(stdout, new RegExp(`hash ${hash}`));
  });
});
