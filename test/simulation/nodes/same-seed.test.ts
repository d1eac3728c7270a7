// The same seed has the same trace: in one process, and in others that are short of memory and of a processor.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodesPlanOf } from "./node-plan.ts";
import { runNodes } from "./run-nodes.ts";

const run = promisify(execFile);
const HASHES = fileURLToPath(new URL("./hashes.ts", import.meta.url));

const SEEDS = [7, 12, 41];

/** What each process is burdened with while it runs the same seeds. */
const BURDENS: readonly { readonly name: string; readonly node: readonly string[]; readonly load: string }[] = [
  { name: "nothing", node: [], load: "none" },
  { name: "collections of garbage", node: ["--expose-gc", "--max-semi-space-size=1"], load: "garbage" },
  { name: "a thread that takes the processor", node: ["--max-lazy"], load: "processor" },
];

describe("a seed of nodes", () => {
  it("has the same trace in two runs of one process, and another seed has another", async () => {
    const hashes = new Set<string>();
    for (const seed of SEEDS) {
      const first = await runNodes(nodesPlanOf(seed));
      const second = await runNodes(nodesPlanOf(seed));
      assert.ok(first.events.length > 50);
      assert.equal(second.hash, first.hash, `seed ${seed}`);
      assert.deepEqual(second.events, first.events);
      hashes.add(first.hash);
    }
    assert.equal(hashes.size, SEEDS.length);
  });

  it("has the same trace in other processes, whatever they are burdened with", async () => {
    const expected = await Promise.all(SEEDS.map(async (seed) => (await runNodes(nodesPlanOf(seed))).hash));
    for (const { name, node, load } of BURDENS) {
      const args = [...node, HASHES, load, ...SEEDS.map(String)];
      const { stdout } = await run(process.execPath, args, { timeout: 100_000 });
      assert.deepEqual(JSON.parse(stdout), expected, name);
    }
  });

  it("is run again by its replay", async () => {
    const replay = fileURLToPath(new URL("./replay.ts", import.meta.url));
    const { stdout } = await run(process.execPath, [replay, "7"], { timeout: 100_000 });
    const { hash } = await runNodes(nodesPlanOf(7));
    assert.match(stdout, new RegExp(`hash ${hash}`));
  });
});
