// Each mistake that is planted must break a promise within a bounded number of bad days: a simulation that finds none of
// them would find no real one either.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planOf, run } from "./chaos.ts";
import { PLANTED, withPlanted } from "./planted.ts";

const SEEDS = 600;

describe("a planted mistake is found", () => {
  for (const bug of PLANTED) {
    it(bug.name, async () => {
      const newMembership = await withPlanted(bug);
      const from = bug.from ?? 1;
      for (let seed = from; seed < from + SEEDS; seed++) {
        const { broken } = await run(planOf(seed), newMembership);
        if (broken.length === 0) continue;
        // And by the mistake, not by the day.
        assert.deepEqual((await run(planOf(seed))).broken, []);
        return;
      }
      assert.fail(`not within ${SEEDS} seeds from ${from}`);
    });
  }
});
