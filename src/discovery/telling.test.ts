import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Allowance, Budget } from "./budget.ts";
import { RumourQueue } from "./rumour-queue.ts";

const rumour = (length: number, fill = 0) => new Uint8Array(length).fill(fill);

describe("rumours that wait", () => {
  const ask = { roomBytes: 100, headBytes: 0, limit: 3 };

  it("are told as often as the limit says, and then no more", () => {
    const queue = new RumourQueue();
    queue.put("a", rumour(10));
    for (let time = 0; time < 3; time++) assert.equal(queue.take(ask).length, 1);
    assert.equal(queue.take(ask).length, 0);
    assert.equal(queue.size, 0);
  });

  it("go in the order of how little they were told", () => {
    const queue = new RumourQueue();
    queue.put("old", rumour(60, 1));
    queue.take(ask);
    queue.put("new", rumour(60, 2));
    assert.deepEqual(queue.take(ask), [rumour(60, 2)]);
  });

  it("give way to a newer one about the same node", () => {
    const queue = new RumourQueue();
    queue.put("a", rumour(10, 1));
    queue.take(ask);
    queue.put("a", rumour(10, 2));
    assert.equal(queue.size, 1);
    for (let time = 0; time < 3; time++) assert.deepEqual(queue.take(ask), [rumour(10, 2)]);
  });

  it("fill the room, a smaller one where a larger does not fit, each with what precedes it", () => {
    const queue = new RumourQueue();
    queue.put("a", rumour(50));
    queue.put("b", rumour(60));
    queue.put("c", rumour(44));
    const taken = queue.take({ ...ask, headBytes: 3 });
    assert.deepEqual(
      taken.map(({ length }) => length),
      [50, 44],
    );
  });
});

describe("the budget", () => {
  it("is refilled at its rate and not beyond two seconds", () => {
    const budget = new Budget(1_000, 0);
    budget.spend(2_000, 0);
    assert.equal(budget.left(0), false);
    assert.equal(budget.left(1), true);
    budget.spend(1, 60_000);
    budget.spend(1_998, 60_000);
    assert.equal(budget.left(60_000), true);
    budget.spend(1, 60_000);
    assert.equal(budget.left(60_000), false);
  });

  it("in debt slows probing down, up to fourfold", () => {
    const budget = new Budget(1_000, 0);
    assert.equal(budget.pressure(0), 1);
    budget.spend(3_000, 0);
    assert.equal(budget.pressure(0), 2);
    budget.spend(100_000, 0);
    assert.equal(budget.pressure(0), 4);
    assert.equal(budget.pressure(4_000), 1);
  });
});

describe("the allowance", () => {
  /** Bytes that one of so many nodes publishes in so many seconds, in pieces of 40. */
  function published(nodes: number, seconds: number): number {
    const allowance = new Allowance(8_000, 0);
    let bytes = 0;
    for (let now = 0; now < seconds * 1_000; now += 100) {
      if (allowance.waitMs(40, nodes, now) > 0) continue;
      allowance.spend(40);
      bytes += 40;
    }
    return bytes;
  }

  it("lets all nodes together publish the same, however many they are", () => {
    const ten = published(10, 1_000) * 10;
    for (const nodes of [100, 1_000]) {
      const all = published(nodes, 10_000) * nodes * 0.1;
      assert.ok(Math.abs(all / ten - 1) < 0.2, `${nodes} nodes: ${all} bytes, 10 nodes: ${ten}`);
    }
  });

  it("says how long to wait", () => {
    const allowance = new Allowance(8_000, 0);
    allowance.spend(100);
    // 40 bytes at 8000 · 0.5 / (1000 · 4) = 1 byte a second.
    assert.equal(Math.round(allowance.waitMs(40, 1_000, 0)), 40_000);
    assert.equal(Math.round(allowance.waitMs(40, 1_000, 30_000)), 10_000);
    assert.equal(allowance.waitMs(40, 1_000, 40_000), 0);
  });
});
