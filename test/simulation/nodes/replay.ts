// Runs one seed of nodes again:  node test/simulation/nodes/replay.ts SEED [--small] [--trace] [--log] [--bug NAME]
//
//   --small   leaves out every fault and operation that is not needed to fail, and prints what is left
//   --trace   prints every event
//   --log     prints what every process writes
//   --bug     with a planted bug

import { parseArgs } from "node:util";
import type { Line } from "../../../src/testing/hosts/host-events.ts";
import { describeNodes, minimalNodes, ruleText } from "./minimal-nodes.ts";
import { type NodesPlan, nodesPlanOf } from "./node-plan.ts";
import { PLANTED_NODE_BUGS, plantedCode } from "./planted-node-bugs.ts";
import { type NodesRunOptions, runNodes } from "./run-nodes.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ small: { type: "boolean" }, trace: { type: "boolean" }, log: { type: "boolean" } },
    bug: { type: "string" },
  },
});
const seed = Number(positionals[0]);
const bug = PLANTED_NODE_BUGS.find(({ name }) => name === values.bug);
if (!Number.isInteger(seed) || (values.bug !== undefined && bug === undefined)) {
  const names = PLANTED_NODE_BUGS.map(({ name }) => name).join(", ");
  process.stderr.write(
    `Usage: node test/simulation/nodes/replay.ts SEED [--small] [--trace] [--log] [--bug NAME]\nbugs: ${names}\n`,
  );
  process.exit(2);
}

const nodeCode = bug === undefined ? undefined : await plantedCode(bug);
const run = (plan: NodesPlan, options: NodesRunOptions = {}) =>
  runNodes(plan, { ...options, ...(nodeCode === undefined ? {} : { nodeCode }) });
const onLine = ({ at, process: name, level, message }: Line) =>
  console.log(`${at.toFixed(1).padStart(9)} ${name} ${level}: ${message}`);

let plan = nodesPlanOf(seed);
if (values.small === true) plan = await minimalNodes(plan, run);
const result = await run(plan, values.log === true ? { onLine } : {});
if (values.trace === true) for (const event of result.events) console.log(JSON.stringify(event));
console.log(describeNodes(plan));
console.log(`seed ${seed}, ${result.events.length} events, ${Math.round(result.ms)} ms, hash ${result.hash}`);
for (const { invariant, text } of result.violations) console.log(`broken: ${ruleText(invariant)}\n  ${text}`);
process.exitCode = result.violations.length > 0 ? 1 : 0;
