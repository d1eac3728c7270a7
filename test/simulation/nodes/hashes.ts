// Prints the hashes of seeds, under a burden:  node hashes.ts none|garbage|processor SEED …

import { Worker } from "node:worker_threads";
import { nodesPlanOf } from "./node-plan.ts";
import { runNodes } from "./run-nodes.ts";

const [load = "none", ...seeds] = process.argv.slice(2);

const SPIN = "for (let i = 0; ; i++) Math.sqrt(i)";
const worker = load === "processor" ? new Worker(SPIN, { eval: true }) : undefined;

/** Much garbage, and collections at moments that have nothing to do with what is simulated. */
const kept: unknown[] = [];
let rounds = 0;
const timer =
  load !== "garbage"
    ? undefined
    : setInterval(() => {
        kept.splice(0, 5, ...Array.from({ length: 10 }, () => new Array(1_000).fill({})));
        if (++rounds % 50 === 0) globalThis.gc?.();
      }, 2);

const hashes: string[] = [];
for (const seed of seeds) hashes.push((await runNodes(nodesPlanOf(Number(seed)))).hash);
console.log(JSON.stringify(hashes));
clearInterval(timer);
await worker?.terminate();
