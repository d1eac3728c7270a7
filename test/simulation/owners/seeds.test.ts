// A program with one owner under faults of nodes, roads, clocks and processes, and an operator's words.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ownerPlanOf } from "./owner-plan.ts";
import { runOwners } from "./run-owners.ts";

/** One takes most of a second of a processor. */
const SEEDS = Math.min(Math.max(6, Math.ceil(Number(process.env["UNUM_SEEDS"] ?? 600) / 200)), 25);

describe("simulated programs with one owner", () => {
  it(`keep every invariant under ${SEEDS} seeds of faults`, async (context) => {
    const sum = { epochs: 0, accepted: 0, refused: 0 };
    const fired = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runOwners(ownerPlanOf(seed));
      const broken = result.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
      assert.deepEqual(broken, [], `seed ${seed}; see it again: runOwners(ownerPlanOf(${seed}))`);
      for (const [kind, count] of Object.entries(result.fired)) fired.set(kind, (fired.get(kind) ?? 0) + count);
      for (const what of ["epochs", "accepted", "refused"] as const) sum[what] += result[what];
    }
    context.diagnostic(`faults: ${[...fired].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    context.diagnostic(JSON.stringify(sum));
    for (const [kind, count] of fired) assert.ok(count > 0, `no ${kind} took effect`);
    assert.ok(sum.epochs > SEEDS, `${sum.epochs} epochs in ${SEEDS} seeds: nobody was replaced`);
    for (const [what, count] of Object.entries(sum)) assert.ok(count > 0, `no ${what}`);
  });

  it("run the same way twice", async () => {
    assert.deepEqual(await runOwners(ownerPlanOf(3)), await runOwners(ownerPlanOf(3)));
  });
});
