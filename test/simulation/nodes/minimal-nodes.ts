// A failing plan of nodes made as small as it can be, and how to see it again.

import { INVARIANTS } from "../../../src/testing/invariants.ts";
import { NODE_INVARIANTS } from "../../../src/testing/node-invariants.ts";
import { shrink } from "../../../src/testing/shrink.ts";
import type { NodesPlan } from "./node-plan.ts";
import type { NodesResult } from "./run-nodes.ts";

/** The faults first, then the operations: what is left breaks the same rule, and nothing of it can be left out. */
export async function minimalNodes(
  plan: NodesPlan,
  run: (plan: NodesPlan) => Promise<Pick<NodesResult, "violations">>,
): Promise<NodesPlan> {
  const [first] = (await run(plan)).violations;
  if (first === undefined) return plan;
  const fails = async (some: NodesPlan) =>
    (await run(some)).violations.some(({ invariant }) => invariant === first.invariant);
  const faults = await shrink(plan.faults, (some) => fails({ ...plan, faults: some }), 100);
  const operations = await shrink(plan.operations, (some) => fails({ ...plan, faults, operations: some }), 200);
  return { ...plan, faults, operations };
}

export function describeNodes(plan: NodesPlan): string {
  const line = (each: object) => `  ${JSON.stringify(each)}`;
  return [
    `nodes, ${plan.spanMs} ms\n${plan.nodes.map(line).join("\n")}`,
    `faults (${plan.faults.length})\n${plan.faults.map(line).join("\n")}`,
    `operations (${plan.operations.length})\n${plan.operations.map(line).join("\n")}`,
  ].join("\n");
}

export function ruleText(number: number): string {
  const rule = [...INVARIANTS, ...NODE_INVARIANTS].find((each) => each.number === number);
  return rule === undefined ? "Nothing throws where nobody catches it." : `${number}. ${rule.text}`;
}

export function replayNodes(seed: number, bug?: string): string {
  return `node test/simulation/nodes/replay.ts ${seed} --small${bug === undefined ? "" : ` --bug '${bug}'`}`;
}
