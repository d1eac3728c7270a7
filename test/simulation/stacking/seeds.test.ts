// Machines three deep under faults of computers, processes, roads and clocks, and under words of three operators.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStacking } from "./run-stacking.ts";
import { stackingPlanOf } from "./stacking-plan.ts";

/** One takes three seconds of a processor. */
const SEEDS = Math.min(Math.max(5, Math.ceil(Number(process.env["UNUM_SEEDS"] ?? 600) / 120)), 60);

describe("simulated machines in machines", () => {
  it(`keep every invariant under ${SEEDS} seeds of faults`, async (context) => {
    const sum = { begun: 0, beyond: 0, failed: 0, said: 0, barred: 0, circled: 0, alone: 0, out: 0 };
    const fired = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runStacking(stackingPlanOf(seed));
      const broken = result.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
      assert.deepEqual(broken, [], `seed ${seed}; see it again: runStacking(stackingPlanOf(${seed}))`);
      for (const [kind, count] of Object.entries(result.fired)) fired.set(kind, (fired.get(kind) ?? 0) + count);
      for (const what of Object.keys(sum) as (keyof typeof sum)[]) sum[what] += result[what];
    }
    context.diagnostic(`faults: ${[...fired].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    context.diagnostic(JSON.stringify(sum));
    for (const [kind, count] of fired) assert.ok(count > 0, `no ${kind} took effect`);
    for (const [what, count] of Object.entries(sum)) assert.ok(count > 0, `nothing was ${what}`);
  });

  it("run the same way twice", async () => {
    assert.deepEqual(await runStacking(stackingPlanOf(4)), await runStacking(stackingPlanOf(4)));
  });
});
