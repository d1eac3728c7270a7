import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULT_KINDS, type FaultKind } from "../../src/testing/faults.ts";
import { INVARIANTS, type Violation } from "../../src/testing/invariants.ts";
import { describePlan, minimalPlan, replayCommand } from "./minimal.ts";
import { type Plan, planOf } from "./plan.ts";
import { runPlan } from "./run-plan.ts";

/** How many worlds are run; CI asks for more by UNUM_SEEDS. */
const SEEDS = Number(process.env["UNUM_SEEDS"] ?? 300);

/** Every kind of end a call can have in these worlds must have been seen, or what is checked of it was never checked. */
const OUTCOMES = ["ok", "application", "expired", "undeliverable", "overloaded", "cycle", "cancelled", "unknown"];

async function explain(seed: number, plan: Plan, found: readonly Violation[]): Promise<string> {
  const fails = async (candidate: Plan) => (await runPlan(candidate)).violations.length > 0;
  const small = await minimalPlan(plan, fails);
  const broken = found.map(({ invariant, text }) => {
    const rule = INVARIANTS.find(({ number }) => number === invariant)?.text ?? "";
    return `  ${invariant}. ${rule}\n     ${text}`;
  });
  return `seed ${seed} breaks\n${broken.join("\n")}\n${describePlan(small)}\nsee it again: ${replayCommand(seed)}`;
}

describe("simulated worlds", () => {
  it(`keep every invariant under ${SEEDS} seeds of faults`, async (context) => {
    // Every kind there is, as the type says.
    const kinds = Object.keys(FAULT_KINDS) as FaultKind[];
    const fired = new Map<FaultKind, number>(kinds.map((kind) => [kind, 0]));
    const outcomes = new Map<string, number>();
    let events = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const plan = planOf(seed);
      const result = await runPlan(plan);
      if (result.violations.length > 0) assert.fail(await explain(seed, plan, result.violations));
      for (const kind of kinds) fired.set(kind, (fired.get(kind) ?? 0) + result.fired[kind]);
      for (const [name, count] of result.outcomes) outcomes.set(name, (outcomes.get(name) ?? 0) + count);
      events += result.events.length;
    }
    context.diagnostic(`${SEEDS} worlds, ${events} events`);
    context.diagnostic(`faults: ${[...fired].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    context.diagnostic(
      `outcomes: ${[...outcomes]
        .sort()
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`,
    );
    for (const [kind, count] of fired) assert.ok(count > 0, `no ${kind} took effect in ${SEEDS} worlds`);
    for (const code of OUTCOMES) {
      assert.ok(
        [...outcomes.keys()].some((name) => name.endsWith(` ${code}`)),
        `no call ended with ${code}`,
      );
    }
  });
});
