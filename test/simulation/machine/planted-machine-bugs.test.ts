// Each mistake that is planted must break an invariant within a bounded number of seeds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findsPlanted } from "../planting.ts";
import { machinePlanOf } from "./machine-plan.ts";
import { PLANTED_MACHINE_BUGS, plantedMachineCode } from "./planted-machine-bugs.ts";
import { MACHINE_INVARIANTS, runMachine } from "./run-machine.ts";

describe("the simulator of machines", () => {
  const unseen = findsPlanted({
    ...{ bugs: PLANTED_MACHINE_BUGS, invariants: MACHINE_INVARIANTS, mostSeeds: 2_000, codeOf: plantedMachineCode },
    run: (seed, code) => runMachine(machinePlanOf(seed), code),
  });

  it("sees every invariant broken by one of them", () => assert.deepEqual(unseen(), []));
});
