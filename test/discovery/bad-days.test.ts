// Memberships under seeded faults on a virtual clock: what they promise holds, and mistakes planted in them are found.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULT_KINDS, planOf, run } from "./chaos.ts";
import { PLANTED, withPlanted } from "./planted.ts";

/** Days looked at for each planted mistake before it counts as not found. */
const SEEDS_FOR_A_BUG = 500;
const SEEDS = Math.min(Number(process.env["UNUM_SEEDS"] ?? 150), 1_000);

describe("a network of memberships", { timeout: 600_000 }, () => {
  it(`keeps its promises on ${SEEDS} bad days, in which every kind of fault comes`, async (test) => {
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { broken, counts: fired } = await run(planOf(seed));
      assert.deepEqual(broken, [], `seed ${seed}`);
      for (const kind of FAULT_KINDS) counts.set(kind, (counts.get(kind) ?? 0) + fired[kind]);
    }
    test.diagnostic([...counts].map(([kind, count]) => `${kind} ${count}`).join(", "));
    for (const kind of FAULT_KINDS) assert.ok((counts.get(kind) ?? 0) > 0, `no '${kind}' in ${SEEDS} days`);
  });

  for (const bug of PLANTED) {
    it(`is found out where ${bug.name}`, async (test) => {
      const planted = await withPlanted(bug);
      for (let seed = 1; seed <= SEEDS_FOR_A_BUG; seed++) {
        const { broken } = await run(planOf(seed), planted);
        if (broken.length === 0) continue;
        return test.diagnostic(`found after ${seed} days: ${broken[0]}`);
      }
      assert.fail(`not found in ${SEEDS_FOR_A_BUG} days`);
    });
  }
});
