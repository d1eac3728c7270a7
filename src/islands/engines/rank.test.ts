// Putting members in order, against the sort of the language.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NOT_EVALUATED, rank } from "./engine.ts";

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 1, NOT_EVALUATED, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

test("the least comes first, and of equals the one that lies first, whatever there is before and after", () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300 }), fc.nat(20), (all, more) => {
      const values = Float64Array.from([...all, ...new Array<number>(more).fill(Number.NEGATIVE_INFINITY)]);
      const order = new Int32Array(all.length);
      rank(order, values);
      const expected = all
        .map((_, i) => i)
        .sort(
          (a, b) =>
            Number((all[a] as number) > (all[b] as number)) ||
            -Number((all[a] as number) < (all[b] as number)) ||
            a - b,
        );
      assert.deepEqual([...order], expected);
    }),
    { numRuns: 500 },
  );
});
