import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ratioOf, spreadOf } from "./statistics.ts";
import { verdictOf } from "./target.ts";

function verdict(bound: "at least" | "at most", values: readonly number[], limits: { target?: number; goal?: number }) {
  const { target, goal } = limits;
  return verdictOf({ says: "", unit: "x", bound, measured: spreadOf(values), target, goal });
}

describe("a target", () => {
  it("is decided by the median", () => {
    assert.equal(verdict("at least", [1, 3, 4], { target: 3, goal: 5 }), "met");
    assert.equal(verdict("at least", [1, 2, 9], { target: 3, goal: 5 }), "missed");
    assert.equal(verdict("at least", [1, 5, 9], { target: 3, goal: 5 }), "goal met");
    assert.equal(verdict("at most", [0.4, 0.6, 2], { target: 1, goal: 0.5 }), "met");
    assert.equal(verdict("at most", [0.4, 1.1, 2], { target: 1, goal: 0.5 }), "missed");
  });

  it("that is a goal alone is missed or met", () => {
    assert.equal(verdict("at most", [1.6], { goal: 1.5 }), "missed");
    assert.equal(verdict("at most", [1.5], { goal: 1.5 }), "goal met");
  });

  it("is not measured where there was no round", () => {
    assert.equal(verdict("at least", [], { target: 3 }), "not measured");
  });
});

describe("a ratio", () => {
  it("compares what was measured in the same round", () => {
    // Noise that slows both by half leaves the ratio as it is.
    assert.deepEqual(ratioOf([30, 15, 30], [10, 5, 10]), { median: 3, least: 3, most: 3 });
  });

  it("of an even number of rounds is the mean of the middle two", () => {
    assert.equal(ratioOf([1, 2, 3, 4], [1, 1, 1, 1]).median, 2.5);
  });
});
