// The few best of many are those that sorting finds, in its order.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RandomStream } from "../random-stream.ts";
import { selected } from "./individuals.ts";

describe("the best that are selected", () => {
  it("are those with the least values, of equal ones the first, whatever their number", () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(Number.MAX_VALUE), fc.double({ noNaN: true }));
    const values = fc.array(value, { maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 60 }), (list, count) => {
        const sorted = [...list.entries()].sort(([i, a], [j, b]) => (a === b ? i - j : a - b)).map(([i]) => i);
        const random = RandomStream.seeded(1);
        const found = selected(Float64Array.from(list), { count, selection: "best", random });
        assert.deepEqual(found, sorted.slice(0, count));
      }),
    );
  });
});
