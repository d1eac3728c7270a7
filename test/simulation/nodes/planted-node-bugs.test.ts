// Each mistake that is planted must break an invariant within a bounded number of seeds: a simulation that finds none of them
// would find no real one either.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NODE_INVARIANTS } from "../../../src/testing/node-invariants.ts";
import { findsPlanted } from "../planting.ts";
import { nodesPlanOf } from "./node-plan.ts";
import { PLANTED_NODE_BUGS, plantedCode } from "./planted-node-bugs.ts";
import { runNodes } from "./run-nodes.ts";

describe("the simulator of nodes", () => {
  assert.ok(PLANTED_NODE_BUGS.length >= 20);
  const unseen = findsPlanted({
    ...{ bugs: PLANTED_NODE_BUGS, invariants: NODE_INVARIANTS.map(({ number }) => number), mostSeeds: 2_000 },
    codeOf: plantedCode,
    run: (seed, nodeCode) => runNodes(nodesPlanOf(seed), { nodeCode }),
  });

  it("sees every invariant broken by one of them", () => assert.deepEqual(unseen(), []));
});
