// Each mistake that is planted must break an invariant within a bounded number of seeds: a simulation that finds none of them
// would find no real one either.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NODE_INVARIANTS } from "../../../src/testing/node-invariants.ts";
import { nodesPlanOf } from "./node-plan.ts";
import { PLANTED_NODE_BUGS, plantedCode } from "./planted-node-bugs.ts";
import { runNodes } from "./run-nodes.ts";

const MOST_SEEDS = 2_000;

describe("the simulator of nodes", () => {
  assert.ok(PLANTED_NODE_BUGS.length >= 20);
  const seen = new Set<number>();
  for (const bug of PLANTED_NODE_BUGS) {
    it(`finds that ${bug.name}`, async (context) => {
      const nodeCode = await plantedCode(bug);
      for (let seed = bug.from ?? 1; seed <= MOST_SEEDS; seed++) {
        const { violations } = await runNodes(nodesPlanOf(seed), { nodeCode });
        const found = violations.find(({ invariant }) => bug.breaks.includes(invariant));
        if (found === undefined) continue;
        for (const { invariant } of violations) seen.add(invariant);
        return context.diagnostic(`found after ${seed} seeds: ${found.text}`);
      }
      assert.fail(`not found in ${MOST_SEEDS} seeds`);
    });
  }

  it("sees every invariant broken by one of them", () => {
    const unseen = NODE_INVARIANTS.filter(({ number }) => !seen.has(number));
    assert.deepEqual(unseen, []);
  });
});
