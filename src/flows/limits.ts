// Changing an edge's policy while it runs.

import { Fault } from "unum";
import type { GraphEdge } from "./graph.ts";
import { type Plan, policyOf } from "./plan.ts";
import { DEFAULT_EDGE, type EdgePolicy, edgePolicy } from "./policy.ts";

/** Throws the Fault `invalid` that names the edge, or the one that may have been meant; answers the policy as it would be. */
export function checkedLimits(
  plan: Plan,
  name: string,
  change: Readonly<Record<string, number | string>>,
): { readonly edge: GraphEdge; readonly policy: EdgePolicy } {
  const edge = plan.graph.edges.find((candidate) => candidate.name === name);
  if (edge === undefined) {
    const names = plan.graph.edges.map((candidate) => candidate.name).join(", ");
    throw new Fault("invalid", `flow '${plan.graph.name}' has no edge '${name}'; it has ${names}`);
  }
  const unknown = Object.keys(change).find((key) => !Object.hasOwn(DEFAULT_EDGE, key));
  if (unknown !== undefined) {
    throw new Fault(
      "invalid",
      `edge ${name}: there is no '${unknown}' to set; there is ${Object.keys(DEFAULT_EDGE).join(", ")}`,
    );
  }
  // Every key is one of a policy; its values are checked right here.
  return { edge, policy: edgePolicy(name, change as Partial<EdgePolicy>, policyOf(plan, edge.id)) };
}
