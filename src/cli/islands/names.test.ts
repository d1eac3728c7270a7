// Names of nodes and islands.

import assert from "node:assert/strict";
import { hostname } from "node:os";
import { describe, it } from "node:test";
import { seededRandom } from "../../base/random.ts";
import { islandName, nodeName, runName } from "./names.ts";

describe("names", () => {
  it("of a node are those of its computer, the same each time", () => {
    assert.equal(nodeName(), nodeName());
    assert.match(nodeName(), /^[0-9a-f]{8}_[A-Za-z0-9.-]+$/);
    assert.ok(
      nodeName().includes(
        hostname()
          .slice(0, 4)
          .replace(/[^A-Za-z0-9.-]/g, "-"),
      ),
    );
  });

  it("of an island are its node's and 32 random bits", () => {
    const random = seededRandom(4);
    const names = Array.from({ length: 100 }, () => islandName("3f2a9c1d_worker-7", random));
    assert.ok(names.every((name) => /^3f2a9c1d_worker-7_[0-9a-f]{8}$/.test(name)));
    assert.equal(new Set(names).size, 100);
  });

  it("of a run can be typed", () => {
    assert.match(runName(seededRandom(1)), /^[a-z]{8}$/);
  });
});
