import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NODE_FAULT_KINDS, type NodeFaultKind } from "../../../src/testing/node-faults.ts";
import { describeNodes, minimalNodes, replayNodes, ruleText } from "./minimal-nodes.ts";
import { nodesPlanOf } from "./node-plan.ts";
import { type NodesResult, runNodes } from "./run-nodes.ts";

/**
 * How many networks are run; CI asks for more by UNUM_SEEDS. One costs 0.1 to 0.3 s of a processor: more than these would take a
 * quiet machine over a minute. `replay.ts` runs any other.
 */
const SEEDS = Math.min(Math.ceil(Number(process.env["UNUM_SEEDS"] ?? 800) / 10), 300);

async function explain(seed: number, { violations }: NodesResult): Promise<string> {
  const broken = violations.map(({ invariant, text }) => `  ${ruleText(invariant)}\n     ${text}`);
  const small = await minimalNodes(nodesPlanOf(seed), runNodes);
  return `seed ${seed} breaks\n${broken.join("\n")}\n${describeNodes(small)}\nsee it again: ${replayNodes(seed)}`;
}

describe("simulated nodes", () => {
  it(`keep every invariant under ${SEEDS} seeds of faults`, async (context) => {
    // Every kind there is, as the type says.
    const kinds = Object.keys(NODE_FAULT_KINDS) as NodeFaultKind[];
    const fired = new Map<NodeFaultKind, number>(kinds.map((kind) => [kind, 0]));
    const outcomes = new Map<string, number>();
    let ms = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runNodes(nodesPlanOf(seed));
      if (result.violations.length > 0) assert.fail(await explain(seed, result));
      for (const kind of kinds) fired.set(kind, (fired.get(kind) ?? 0) + result.fired[kind]);
      for (const event of result.events) {
        if (event.kind === "outcome") outcomes.set(event.code, (outcomes.get(event.code) ?? 0) + 1);
      }
      ms += result.ms;
    }
    context.diagnostic(`${SEEDS} networks, ${Math.round(ms / 1_000)} s of their time`);
    context.diagnostic(`faults: ${[...fired].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    context.diagnostic(`outcomes: ${[...outcomes].map(([code, count]) => `${code} ${count}`).join(", ")}`);
    for (const [kind, count] of fired) assert.ok(count > 0, `no ${kind} took effect in ${SEEDS} networks`);
    for (const code of ["ok", "application", "expired", "undeliverable", "unknown"]) {
      assert.ok((outcomes.get(code) ?? 0) > 0, `no call ended with ${code}`);
    }
  });
});
