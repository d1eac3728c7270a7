// Every migrant is taken once, late by no more than is said, and marks are the same however one comes to them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lagOf, mailOf, markAt, mostLag, nextMark } from "./lag.ts";

const EPOCHS = Array.from({ length: 2_000 }, (_, epoch) => epoch);

describe("lag", () => {
  it("of a new plan is the longer the cheaper an evaluation may be, and never more than numbers under way allow", () => {
    const table = { 1: 2_048, 10: 2_048, 11: 1_024, 40: 512, 100: 256, 10000: 256 };
    for (const [dimensions, most] of Object.entries(table)) assert.equal(mostLag(Number(dimensions), 4), most);
    for (const [islands, most] of Object.entries({ 32: 2_048, 64: 1_024, 1000: 256, 100000: 256 }))
      assert.equal(mostLag(10, Number(islands)), most);
  });

  for (const most of [1, 3, mostLag(100, 2)]) {
    it(`of ${most} at most: what was left is taken once, in order, and nothing is forgotten`, () => {
      const taken = EPOCHS.map((epochs) => mailOf(epochs, most)).filter((left) => left !== undefined);
      assert.deepEqual(
        taken,
        taken.map((_, i) => i + 1),
      );
      assert.ok(taken.length >= EPOCHS.length - most - 1);
    });

    it(`of ${most} at most: an eighth of the run, and never more`, () => {
      for (const epochs of EPOCHS) {
        assert.ok(lagOf(epochs, most) <= Math.max(1, epochs / 8));
        assert.ok(lagOf(epochs, most) <= most);
      }
    });

    it(`of ${most} at most: marks are half a lag apart, so that who is a stretch ahead has the next one's migrants`, () => {
      const marks = new Set<number>([0]);
      for (let mark = 0; mark < EPOCHS.length; mark = nextMark(mark, most)) marks.add(mark);
      for (const epochs of EPOCHS) {
        assert.ok(marks.has(markAt(epochs, most)), `${markAt(epochs, most)} is no mark`);
        assert.equal(markAt(epochs, most) === epochs, marks.has(epochs));
        const next = nextMark(epochs, most);
        const stretch = next - markAt(epochs, most);
        // The last epoch of the stretch takes what was left at most so long before the stretch began.
        if (stretch > 1) assert.ok(next - 1 - lagOf(next - 1, most) <= markAt(epochs, most) - stretch + 1);
      }
    });
  }
});
