// Runs one seed again:  node test/simulation/replay.ts SEED [--small] [--trace] [--bug NAME]
//
//   --small   leaves out every fault and call that is not needed to fail, and prints what is left
//   --trace   prints every event
//   --bug     with a planted bug

import { parseArgs } from "node:util";
import { INVARIANTS } from "../../src/testing/invariants.ts";
import { describePlan, minimalPlan } from "./minimal.ts";
import { type Plan, planOf } from "./plan.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runPlan } from "./run-plan.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: { type: "boolean" }, trace: { type: "boolean" }, bug: { type: "string" } },
});
const seed = Number(positionals[0]);
const bug = PLANTED_BUGS.find(({ name }) => name === values.bug);
if (!Number.isInteger(seed) || (values.bug !== undefined && bug === undefined)) {
  const names = PLANTED_BUGS.map(({ name }) => name).join(", ");
  process.stderr.write(`Usage: node test/simulation/replay.ts SEED [--small] [--trace] [--bug NAME]\nbugs: ${names}\n`);
  process.exit(2);
}

const run = (plan: Plan) => runPlan(plan, bug?.seams());
const fails = async (plan: Plan) => (await run(plan)).violations.length > 0;

let plan = planOf(seed);
if (values.small === true && (await fails(plan))) plan = await minimalPlan(plan, fails);
const result = await run(plan);
if (values.trace === true) for (const event of result.events) console.log(JSON.stringify(event));
console.log(describePlan(plan));
console.log(`seed ${seed}, ${result.events.length} events, hash ${result.hash}`);
for (const { invariant, text } of result.violations) {
  console.log(`broken: ${INVARIANTS.find(({ number }) => number === invariant)?.text ?? invariant}\n  ${text}`);
}
process.exitCode = result.violations.length > 0 ? 1 : 0;
