// What is shown of what a container uses, and judged by.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Usage } from "./usage.ts";

describe("what a container uses", () => {
  it("of memory lasts where it was so at the last two looks", () => {
    const usage = new Usage();
    const seen = [100, 300, 320, 90].map((bytes) => {
      usage.memory(bytes);
      return [usage.memoryBytes, usage.lastingMemoryBytes];
    });
    assert.deepEqual(seen, [
      [100, 0],
      [300, 100],
      [320, 300],
      [90, 90],
    ]);
  });

  it("of processors is what it used between two looks, by the time between them", () => {
    const usage = new Usage();
    usage.processors(500, 1_000);
    assert.equal(usage.cpuPermille, 0, "over what time is not known yet");
    usage.processors(1_000, 2_000);
    assert.equal(usage.cpuPermille, 500);
    usage.processors(4_000, 3_000);
    assert.equal(usage.cpuPermille, 3_000, "of three");
    usage.processors(3_900, 4_000);
    assert.deepEqual([usage.cpuPermille, usage.processorMs], [0, 4_000]);
    usage.processors(undefined, 5_000);
    assert.deepEqual([usage.cpuPermille, usage.processorMs], [0, 4_000]);
  });
});
