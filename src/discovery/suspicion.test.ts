import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { suspicionTimeoutMs } from "./suspicion.ts";

const settings = { suspicionLeastMs: 5_000, probeIntervalMs: 1_000 };
const timeout = (nodes: number, accusers: number) => suspicionTimeoutMs({ nodes, accusers }, settings);

describe("the time to refute", () => {
  it("is six times the least for a single accuser, and the least once three others confirm", () => {
    assert.equal(timeout(50, 1), 30_000);
    assert.equal(timeout(50, 4), 5_000);
    assert.equal(timeout(50, 9), 5_000);
  });

  it("shrinks with each confirmation, the first counting most", () => {
    const times = [1, 2, 3, 4].map((accusers) => timeout(50, accusers));
    const steps = times.slice(1).map((time, place) => (times[place] ?? 0) - time);
    assert.ok(steps.every((step) => step > 0));
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => b - a),
    );
    // Lifeguard's formula: 30 − 25 · log 2 / log 4.
    assert.equal(Math.round(timeout(50, 2)), 17_500);
  });

  it("is the least where nobody else could confirm", () => {
    assert.equal(timeout(2, 1), 5_000);
    assert.equal(timeout(3, 1), 30_000);
    assert.equal(timeout(3, 2), 5_000);
  });

  it("grows with the logarithm of the nodes, since rumours take longer", () => {
    assert.equal(timeout(100, 4), 5_000);
    assert.equal(timeout(1_000, 4), 7_500);
    assert.equal(timeout(10_000, 4), 10_000);
  });
});
