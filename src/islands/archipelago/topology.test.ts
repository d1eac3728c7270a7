// Who receives from whom.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sourcesOf, TOPOLOGIES } from "./topology.ts";

describe("topologies", () => {
  it("are what their names say", () => {
    assert.deepEqual(sourcesOf("ring", 4), [[3], [0], [1], [2]]);
    assert.deepEqual(sourcesOf("full", 3), [
      [1, 2],
      [0, 2],
      [0, 1],
    ]);
    assert.deepEqual(sourcesOf("star", 4), [[1, 2, 3], [0], [0], [0]]);
    assert.deepEqual(sourcesOf("hypercube", 4), [
      [1, 2],
      [0, 3],
      [0, 3],
      [1, 2],
    ]);
    assert.deepEqual(sourcesOf("torus", 9)[4], [1, 3, 5, 7]);
    assert.deepEqual(sourcesOf("none", 2), [[], []]);
    assert.deepEqual(sourcesOf([[1], []], 2), [[1], []]);
  });

  it("have nobody send to itself, and but for none reach everybody, at any size", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TOPOLOGIES),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        (topology, count, degree) => {
          const sources = sourcesOf(topology, count, { degree, seed: 3 });
          assert.equal(sources.length, count);
          for (const [i, from] of sources.entries()) {
            assert.ok(from.every((j) => j !== i && j >= 0 && j < count));
            assert.deepEqual(
              [...from],
              [...new Set(from)].sort((a, b) => a - b),
            );
            if (topology === "random") assert.equal(from.length, Math.min(degree, count - 1));
          }
          if (topology === "none") return;
          const reached = new Set([0]);
          for (let round = 0; round < count; round++) {
            for (const [i, from] of sources.entries()) if (from.some((j) => reached.has(j))) reached.add(i);
          }
          assert.equal(reached.size, count, `${topology} of ${count}`);
        },
      ),
    );
  });

  it("are refused where islands are named that are not there", () => {
    assert.throws(() => sourcesOf([[2], [0]], 2), { code: "invalid", message: /island 0 cannot receive from 2/ });
    assert.throws(() => sourcesOf([[1]], 2), { code: "invalid", message: /1 rows for 2 islands/ });
  });
});
