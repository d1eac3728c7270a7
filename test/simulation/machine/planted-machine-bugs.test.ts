// Each mistake that is planted must break an invariant within a bounded number of seeds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { machinePlanOf } from "./machine-plan.ts";
import { PLANTED_MACHINE_BUGS, plantedMachineCode } from "./planted-machine-bugs.ts";
import { MACHINE_INVARIANTS, runMachine } from "./run-machine.ts";

const MOST_SEEDS = 2_000;

describe("the simulator of machines", () => {
  const seen = new Set<number>();
  for (const bug of PLANTED_MACHINE_BUGS) {
    it(`finds that ${bug.name}`, async (context) => {
      const code = await plantedMachineCode(bug);
      for (let seed = bug.from ?? 1; seed <= MOST_SEEDS; seed++) {
        const { violations } = await runMachine(machinePlanOf(seed), code);
        const found = violations.find(({ invariant }) => bug.breaks.includes(invariant));
        if (found === undefined) continue;
        for (const { invariant } of violations) seen.add(invariant);
        return context.diagnostic(`found after ${seed} seeds: ${found.text}`);
      }
      assert.fail(`not found in ${MOST_SEEDS} seeds`);
    });
  }

  it("sees every invariant broken by one of them", () => {
    assert.deepEqual(
      MACHINE_INVARIANTS.filter((number) => !seen.has(number)),
      [],
    );
  });
});
