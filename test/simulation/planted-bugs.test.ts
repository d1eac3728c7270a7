import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { INVARIANTS } from "../../src/testing/invariants.ts";
import { minimalPlan } from "./minimal.ts";
import { type Plan, planOf } from "./plan.ts";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.ts";
import { runPlan } from "./run-plan.ts";

const MOST_SEEDS = 2_000;

/** The first seed that finds the bug by an invariant it is said to break. */
async function find(bug: PlantedBug, breaks = bug.breaks): Promise<number | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const { violations } = await runPlan(planOf(seed), bug.seams());
    if (violations.some(({ invariant }) => breaks.includes(invariant))) return seed;
  }
  return undefined;
}

describe("the simulator", () => {
  assert.ok(PLANTED_BUGS.length >= 20);
  for (const bug of PLANTED_BUGS) {
    it(`finds that ${bug.text} (${bug.name})`, async (context) => {
      const seed = await find(bug);
      assert.ok(seed !== undefined, `not found in ${MOST_SEEDS} seeds`);
      context.diagnostic(`${bug.name}: found after ${seed} seeds`);
    });
  }

  for (const { number, text } of INVARIANTS) {
    it(`sees where this is broken: ${number}. ${text}`, async () => {
      const bugs = PLANTED_BUGS.filter(({ breaks }) => breaks.includes(number));
      assert.ok(bugs.length > 0, "no planted bug is said to break it");
      for (let seed = 1; seed <= MOST_SEEDS; seed++) {
        for (const bug of bugs) {
          const { violations } = await runPlan(planOf(seed), bug.seams());
          if (violations.some(({ invariant }) => invariant === number)) return;
        }
      }
      assert.fail(`not seen in ${MOST_SEEDS} seeds`);
    });
  }

  it("shrinks a failing plan to little, which still fails", async () => {
    const bug = PLANTED_BUGS.find(({ name }) => name === "undeliverable-instead-of-unknown");
    assert.ok(bug !== undefined);
    // Of its kinds the one that needs least to show.
    const seed = await find(bug, [9]);
    assert.ok(seed !== undefined);
    const fails = async (plan: Plan) => (await runPlan(plan, bug.seams())).violations.length > 0;
    const plan = planOf(seed);
    const small = await minimalPlan(plan, fails);
    assert.ok(await fails(small));
    assert.ok(small.faults.length + small.operations.length < (plan.faults.length + plan.operations.length) / 2);
    for (const faults of small.faults.map((_, i) => small.faults.toSpliced(i, 1))) {
      assert.equal(await fails({ ...small, faults }), false);
    }
  });
});
