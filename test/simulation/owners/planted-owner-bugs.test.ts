// Each mistake that is planted must break an invariant within a bounded number of seeds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plantedMachineCode } from "../machine/planted-machine-bugs.ts";
import { findsPlanted } from "../planting.ts";
import { ownerPlanOf } from "./owner-plan.ts";
import { PLANTED_OWNER_BUGS } from "./planted-owner-bugs.ts";
import { OWNER_INVARIANTS, runOwners } from "./run-owners.ts";

describe("the simulator of programs with one owner", () => {
  const unseen = findsPlanted({
    ...{ bugs: PLANTED_OWNER_BUGS, invariants: OWNER_INVARIANTS, mostSeeds: 200, codeOf: plantedMachineCode },
    run: (seed, code) => runOwners(ownerPlanOf(seed), code),
  });

  it("sees every invariant broken by one of them", () => assert.deepEqual(unseen(), []));
});
