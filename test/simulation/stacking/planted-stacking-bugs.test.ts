// Each mistake that is planted must break an invariant within a bounded number of seeds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findsPlanted } from "../planting.ts";
import { PLANTED_STACKING_BUGS, plantedStackingCode } from "./planted-stacking-bugs.ts";
import { runStacking, STACKING_INVARIANTS } from "./run-stacking.ts";
import { stackingPlanOf } from "./stacking-plan.ts";

describe("the simulator of machines in machines", () => {
  const unseen = findsPlanted({
    ...{ bugs: PLANTED_STACKING_BUGS, invariants: STACKING_INVARIANTS, mostSeeds: 100, codeOf: plantedStackingCode },
    run: (seed, code) => runStacking(stackingPlanOf(seed), code),
  });

  it("sees every invariant broken by one of them", () => assert.deepEqual(unseen(), []));
});
