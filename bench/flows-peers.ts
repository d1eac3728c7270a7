// Flows beside other systems: `npm run bench -- flows-peers`. Chains of seven steps, and fan-outs of a hundred parts with a join, two worker processes
// each: ours with its journals, BullMQ on Redis (every command synchronized), graphile-worker on PostgreSQL. In turn: A B C, A B C, …
//
//   --rounds N     rounds (5)
//   --items N      items in a round of ours, each seven steps (10000); the others get fewer, never fewer than are under way at one time
//   --in-flight N  items under way at one time (1000)
//   --only NAMES   with commas: in flight, one, fan
//   --quick        one short round of each, to see that all of it runs: its figures say nothing
//   --json

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { memoryJournals, postgresJournals, sqliteJournals, type Workers } from "../src/flows/index.ts";
import { postgresPrograms, postgresServer } from "../test/flows/postgres-server.ts";
import { bullMq, bullMqFlows } from "./flows/bullmq.ts";
import { graphileFlows, graphileWorker } from "./flows/graphile.ts";
import { redisServer } from "./flows/redis-server.ts";
import { type ChainRound, type FlowSystem, PARTS, STEPS } from "./flows/system.ts";
import { env, shared, startPool, unumFlows } from "./flows/unum.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    items: { type: "string" },
    "in-flight": { type: "string" },
    only: { type: "string", default: "in flight,one,fan" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const items = Number(values.items ?? (quick ? 500 : 10_000));
const inFlight = Number(values["in-flight"] ?? (quick ? 100 : 1_000));
const only = values.only.split(",");

/** Of `items`, what each system is given in a round: slower ones fewer, so that a round does not take minutes. */
const SHARE: Readonly<Record<string, number>> = { BullMQ: 0.1, "graphile-worker": 0.1, "unum, PostgreSQL": 0.5 };
const ONE_AT_A_TIME = quick ? 5 : 20;
const FANS = quick ? 1 : 5;

const folder = mkdtempSync(join(tmpdir(), "unum-bench-flows-"));
process.env["UNUM_HOME"] = folder;
const systems: FlowSystem[] = [];
/** What ends with this bench, however it ends; the last first. */
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
const results: Record<string, unknown> = {};

try {
  await addPeers(await addOurs());
  if (only.includes("in flight")) await measureInFlight();
  if (only.includes("one")) await measureOne();
  if (only.includes("fan")) await measureFan();
  if (values.json) console.log(JSON.stringify({ rounds, items, inFlight, steps: STEPS, parts: PARTS, results }));
} finally {
  for (const stop of stops.reverse()) await stop();
}
process.exit(0);

async function measureInFlight(): Promise<void> {
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
    const [least, most] = [Math.round(Math.min(...all)), Math.round(Math.max(...all))];
    say(`  ${name.padEnd(20)} ${Math.round(median(all))} (${least}–${most})`);
  }
}

async function measureOne(): Promise<void> {
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

async function measureFan(): Promise<void> {
  const all = new Map<string, number[]>();
  for (let number = 0; number < rounds; number++)
    for (const { name, fan } of systems)
      if (fan !== undefined) all.set(name, [...(all.get(name) ?? []), ...(await fan(FANS))]);
  say(`ms, one item split into ${PARTS} and joined: p50`);
  for (const [name, each] of all) {
    results[`fan ${name}`] = { p50: median(each) };
    say(`  ${name.padEnd(20)} ${median(each).toFixed(1)}`);
  }
}

async function addOurs(): Promise<Workers> {
  const pool = await startPool();
  stops.push(() => pool.workers.close());
  const workers = shared(pool);
  const journals = sqliteJournals(join(folder, "flows"));
  add(unumFlows({ name: "unum", durability: "group", journals, workers }));
  add(unumFlows({ name: "unum, commit", durability: "commit", journals, workers }));
  add(unumFlows({ name: "unum, in memory", durability: "none", journals: memoryJournals(), workers }));
  return workers;
}

async function addPeers(workers: Workers): Promise<void> {
  const redis = await redisServer();
  if (redis !== undefined) stops.push(() => redis.stop());
  const bull = bullMq();
  if (redis === undefined || bull === undefined)
    console.error("BullMQ is left out: no redis-server, or no bench/peers");
  else add(await bullMqFlows(redis, bull));
  if (postgresPrograms() === undefined) {
    console.error("PostgreSQL is not here: its journal and graphile-worker are left out");
    return;
  }
  const server = await postgresServer(["max_connections=200"]);
  stops.push(() => server.stop());
  const journals = await postgresJournals({ pool: server.pool, clock: env.clock });
  add(unumFlows({ name: "unum, PostgreSQL", durability: "group", journals, workers }));
  const graphile = graphileWorker();
  if (graphile === undefined) console.error("graphile-worker is left out: no bench/peers");
  else add(await graphileFlows(server.address, graphile));
}

function add(system: FlowSystem): void {
  systems.push(system);
  stops.push(() => system.close());
}

function countFor({ name }: FlowSystem): number {
  return Math.max(inFlight, Math.round(items * (SHARE[name] ?? 1)));
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return at(sorted, 0.5);
}

function say(line: string): void {
  if (!values.json) console.log(line);
}
