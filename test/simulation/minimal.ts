// A failing plan made as small as it can be, and how to see it again.

import { shrink } from "../../src/testing/shrink.ts";
import type { Plan } from "./plan.ts";

/** The faults first, then the calls: what is left fails, and nothing of it can be left out. */
export async function minimalPlan(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  const faults = await shrink(plan.faults, (some) => fails({ ...plan, faults: some }), 200);
  const operations = await shrink(plan.operations, (some) => fails({ ...plan, faults, operations: some }), 400);
  return { ...plan, faults, operations };
}

export function describePlan(plan: Plan): string {
  const line = (each: object) => `  ${JSON.stringify(each)}`;
  return [
    `containers\n${plan.containers.map(line).join("\n")}`,
    `faults (${plan.faults.length})\n${plan.faults.map(line).join("\n")}`,
    `operations (${plan.operations.length})\n${plan.operations.map(line).join("\n")}`,
  ].join("\n");
}

export function replayCommand(seed: number, bug?: string): string {
  return `node test/simulation/replay.ts ${seed} --small${bug === undefined ? "" : ` --bug ${bug}`}`;
}
