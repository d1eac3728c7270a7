import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { shrink } from "./shrink.ts";

describe("shrinking", () => {
  it("finds exactly the items that are needed, wherever they stand", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 5 }), async (needed) => {
        const list = Array.from({ length: 60 }, (_, i) => i);
        const fails = async (each: readonly number[]) => needed.every((item) => each.includes(item));
        assert.deepEqual(
          await shrink(list, fails),
          [...needed].sort((a, b) => a - b),
        );
      }),
    );
  });

  it("leaves a list that fails in which nothing can be left out", async () => {
    const fails = async (each: readonly number[]) => each.length >= 7;
    assert.equal(
      (
        await shrink(
          Array.from({ length: 50 }, (_, i) => i),
          fails,
        )
      ).length,
      7,
    );
  });

  it("asks no more often than allowed", async () => {
    let asked = 0;
    const list = Array.from({ length: 100 }, (_, i) => i);
    const fails = async (each: readonly number[]) => {
      asked++;
      return each.length >= 60;
    };
    const left = await shrink(list, fails, 10);
    assert.ok(asked <= 10);
    assert.ok(left.length >= 60);
  });
});
