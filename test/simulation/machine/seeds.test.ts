// Machines of three nodes under faults: commands at two controllers, durable messages, programs that are cut off.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { machinePlanOf } from "./machine-plan.ts";
import { type MachineResult, runMachine } from "./run-machine.ts";

/** One takes a tenth of a second of a processor. */
const SEEDS = Math.min(Math.ceil(Number(process.env["UNUM_SEEDS"] ?? 600) / 10), 100);

describe("simulated machines", () => {
  it(`keep every invariant under ${SEEDS} seeds of faults`, async (context) => {
    const sum = { delivered: 0, expired: 0, conflicts: 0 };
    const fired = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result: MachineResult = await runMachine(machinePlanOf(seed));
      const broken = result.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
      assert.deepEqual(broken, [], `seed ${seed}; see it again: runMachine(machinePlanOf(${seed}))`);
      for (const [kind, count] of Object.entries(result.fired)) fired.set(kind, (fired.get(kind) ?? 0) + count);
      for (const what of ["delivered", "expired", "conflicts"] as const) sum[what] += result[what];
    }
    context.diagnostic(`faults: ${[...fired].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    context.diagnostic(JSON.stringify(sum));
    for (const [kind, count] of fired) assert.ok(count > 0, `no ${kind} took effect`);
    for (const [what, count] of Object.entries(sum)) assert.ok(count > 0, `nothing was ${what}`);
  });

  it("run the same way twice", async () => {
    for (const seed of [3, 7]) {
      const [once, twice] = [await runMachine(machinePlanOf(seed)), await runMachine(machinePlanOf(seed))];
      assert.deepEqual(once, twice);
    }
  });
});
