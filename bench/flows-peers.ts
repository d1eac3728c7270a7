// Flows beside other systems: `npm run bench -- flows-peers`. Chains of seven steps, and fan-outs of a hundred parts with a join, two worker processes
// each: ours with its journals, BullMQ on Redis (every command synchronized), graphile-worker on PostgreSQL. In turn: A B C, A B C, …
//
//   --rounds N     rounds (5)
//   --items N      items in a round of ours, each seven steps (10000); the others get as many as they manage in about the same time
//   --in-flight N  items under way at one time (1000)
//   --only NAMES   with commas: in flight, one, fan
//   --json

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { memoryJournals, postgresJournals, sqliteJournals } from "../src/flows/index.ts";
import { postgresPrograms, postgresServer } from "../test/flows/postgres-server.ts";
import { bullMq, bullMqFlows } from "./flows/bullmq.ts";
import { graphileFlows, graphileWorker } from "./flows/graphile.ts";
import { redisServer } from "./flows/redis-server.ts";
import { type ChainRound, type FlowSystem, PARTS, STEPS } from "./flows/system.ts";
import { env, shared, startPool, unumFlows } from "./flows/unum.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    items: { type: "string", default: "10000" },
    "in-flight": { type: "string", default: "1000" },
    only: { type: "string", default: "in flight,one,fan" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const items = Number(values.items);
const inFlight = Number(values["in-flight"]);
const only = values.only.split(",");

/** Of `items`, what each system is given in a round: slower ones fewer, so that a round takes about as long. */
const SHARE: Readonly<Record<string, number>> = { BullMQ: 0.04, "graphile-worker": 0.05, "unum, PostgreSQL": 0.2 };
const ONE_AT_A_TIME = 20;
const FANS = 5;

const folder = mkdtempSync(join(tmpdir(), "unum-bench-flows-"));
process.env["UNUM_HOME"] = folder;
const pool = await startPool();
const workers = shared(pool);
const systems: FlowSystem[] = [
  unumFlows({ name: "unum", durability: "group", journals: sqliteJournals(join(folder, "flows")), workers }),
  unumFlows({ name: "unum, commit", durability: "commit", journals: sqliteJournals(join(folder, "flows")), workers }),
  unumFlows({ name: "unum, in memory", durability: "none", journals: memoryJournals(), workers }),
];
const stops: (() => Promise<void>)[] = [];
await addPeers();

const at = (sorted: readonly number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
const round1 = (number: number) => Math.round(number * 10) / 10;
const results: Record<string, unknown> = {};
const median = (numbers: readonly number[]) =>
  at(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );

if (only.includes("in flight")) {
  const rates = new Map<string, number[]>(systems.map(({ name }) => [name, []]));
  for (const system of systems) await system.chain(Math.min(200, countFor(system)), inFlight);
  for (let number = 0; number < rounds; number++) {
    for (const system of systems) {
      const count = countFor(system);
      const { ms } = await system.chain(count, inFlight);
      rates.get(system.name)?.push((count * STEPS * 1_000) / ms);
    }
  }
  say(`steps/s, chains of ${STEPS}, ${inFlight} items under way`);
  for (const [name, all] of rates) {
    results[`steps/s ${name}`] = { median: Math.round(median(all)), all: all.map(Math.round) };
    say(
      `  ${name.padEnd(20)} ${Math.round(median(all))} (${Math.round(Math.min(...all))}–${Math.round(Math.max(...all))})`,
    );
  }
}
if (only.includes("one")) {
  const all = new Map<string, ChainRound[]>(systems.map(({ name }) => [name, []]));
  for (let number = 0; number < rounds; number++)
    for (const system of systems) all.get(system.name)?.push(await system.chain(ONE_AT_A_TIME, 1));
  say(`ms, one chain of ${STEPS} at a time: p50, p99`);
  for (const [name, each] of all) {
    const latencies = each.flatMap((one) => one.latencies).sort((a, b) => a - b);
    const [p50, p99] = [at(latencies, 0.5), at(latencies, 0.99)];
    results[`one ${name}`] = { p50, p99, note: each.at(-1)?.note };
    say(`  ${name.padEnd(20)} ${p50.toFixed(2)}, ${p99.toFixed(2)}  ${each.at(-1)?.note ?? ""}`);
  }
}
if (only.includes("fan")) {
  const all = new Map<string, number[]>();
  for (let number = 0; number < rounds; number++)
    for (const { name, fan } of systems)
      if (fan !== undefined) all.set(name, [...(all.get(name) ?? []), ...(await fan(FANS))]);
  say(`ms, one item split into ${PARTS} and joined: p50`);
  for (const [name, each] of all) {
    results[`fan ${name}`] = { p50: median(each) };
    say(`  ${name.padEnd(20)} ${round1(median(each))}`);
  }
}
if (values.json) console.log(JSON.stringify({ rounds, items, inFlight, steps: STEPS, parts: PARTS, results }));
for (const system of systems) await system.close();
await pool.workers.close();
for (const stop of stops) await stop();
rmSync(folder, { recursive: true, force: true });
process.exit(0);

async function addPeers(): Promise<void> {
  const redis = await redisServer();
  const bull = bullMq();
  if (redis === undefined || bull === undefined)
    console.error("BullMQ is left out: no redis-server, or no bench/peers");
  else systems.push(await bullMqFlows(redis, bull));
  if (redis !== undefined) stops.push(() => redis.stop());
  if (postgresPrograms() === undefined) {
    console.error("PostgreSQL is not here: its journal and graphile-worker are left out");
    return;
  }
  const server = await postgresServer(["max_connections=200"]);
  stops.push(() => server.stop());
  const journals = await postgresJournals({ pool: server.pool, clock: env.clock });
  systems.push(unumFlows({ name: "unum, PostgreSQL", durability: "group", journals, workers }));
  const graphile = graphileWorker();
  if (graphile === undefined) console.error("graphile-worker is left out: no bench/peers");
  else systems.push(await graphileFlows(server.address, graphile));
}

function countFor({ name }: FlowSystem): number {
  return Math.max(Math.min(inFlight, 200), Math.round(items * (SHARE[name] ?? 1)));
}

function say(line: string): void {
  if (!values.json) console.log(line);
}
