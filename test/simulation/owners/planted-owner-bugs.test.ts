// Each mistake that is planted must break an invariant within a bounded number of seeds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plantedMachineCode } from "../machine/planted-machine-bugs.ts";
import { ownerPlanOf } from "./owner-plan.ts";
import { PLANTED_OWNER_BUGS } from "./planted-owner-bugs.ts";
import { OWNER_INVARIANTS, runOwners } from "./run-owners.ts";

const MOST_SEEDS = 200;

describe("the simulator of programs with one owner", () => {
  const seen = new Set<number>();
  for (const bug of PLANTED_OWNER_BUGS) {
    it(`finds that ${bug.name}`, async (context) => {
      const code = await plantedMachineCode(bug);
      for (let seed = bug.from ?? 1; seed <= MOST_SEEDS; seed++) {
        const { violations } = await runOwners(ownerPlanOf(seed), code);
        const found = violations.find(({ invariant }) => bug.breaks.includes(invariant));
        if (found === undefined) continue;
        for (const { invariant } of violations) seen.add(invariant);
        return context.diagnostic(`found at seed ${seed}: ${found.text}`);
      }
      assert.fail(`not found in ${MOST_SEEDS} seeds`);
    });
  }

  it("sees every invariant broken by one of them", () => {
    assert.deepEqual(
      OWNER_INVARIANTS.filter((number) => !seen.has(number)),
      [],
    );
  });
});
