// How many containers a run has, as a table.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasTooMany, poolSize } from "./pool-size.ts";

describe("a run's containers", () => {
  it("are more while those there have all they can do, up to the most", () => {
    assert.equal(poolSize({ containers: 1, most: 4, open: 9, isShort: false, idleMs: 0 }), 2);
    assert.equal(poolSize({ containers: 1, most: 4, open: 2, isShort: true, idleMs: 0 }), 2);
    assert.equal(poolSize({ containers: 1, most: 4, open: 8, isShort: false, idleMs: 0 }), 1);
    assert.equal(poolSize({ containers: 4, most: 4, open: 900, isShort: false, idleMs: 0 }), 4);
  });

  it("are fewer when one fewer has been enough for a while, and never none", () => {
    assert.ok(hasTooMany({ containers: 3, open: 16, isShort: false }));
    assert.ok(!hasTooMany({ containers: 3, open: 17, isShort: false }));
    assert.ok(!hasTooMany({ containers: 3, open: 6, isShort: true }));
    assert.ok(!hasTooMany({ containers: 1, open: 0, isShort: false }));
    assert.equal(poolSize({ containers: 3, most: 4, open: 1, isShort: false, idleMs: 9_999 }), 3);
    assert.equal(poolSize({ containers: 3, most: 4, open: 1, isShort: false, idleMs: 10_000 }), 2);
    assert.equal(poolSize({ containers: 1, most: 4, open: 0, isShort: false, idleMs: 99_999 }), 1);
  });
});
