// The benchmark of flows: `npm run bench -- flows`. Chains of seven steps through a router, two worker processes and a journal on disk.
//
//   --rounds N     rounds (5)
//   --items N      items in a round, each seven steps (20000)
//   --in-flight N  items under way at one time (1000)
//   --one          one item at a time as well
//   --profile      write a CPU profile of this process
//   --json

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ContainerPool } from "../src/cli/flow/container-pool.ts";
import { flow, runFlow, sqliteJournals, type Workers } from "../src/flows/index.ts";
import { systemEnv } from "../src/system/env.ts";
import { Chain, HopSchema } from "./flows/components/chain/gen/chain_pb.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    items: { type: "string", default: "20000" },
    "in-flight": { type: "string", default: "1000" },
    one: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const items = Number(values.items);
const inFlight = Number(values["in-flight"]);
const STEPS = 7;

function chain(durability: "none" | "group" | "commit") {
  return flow(
    "chain",
    ({ source, step, sink }) => {
      let out = source(HopSchema).to(step("step 1", Chain.method.link), { durability });
      for (let number = 2; number <= STEPS; number++)
        out = out.to(step(`step ${number}`, Chain.method.link), { durability });
      out.to(sink("end"));
    },
    { input: HopSchema },
  );
}

interface Round {
  readonly stepsPerSecond: number;
  readonly blocks: number;
  readonly cpuSeconds: number;
}

const env = systemEnv();
const folder = mkdtempSync(join(tmpdir(), "unum-bench-flows-"));
process.env["UNUM_HOME"] = folder;
const pool = await ContainerPool.start({
  env,
  folder: join(import.meta.dirname, "flows/components"),
  most: 2,
  places: 512,
  say: console.error,
});
await pool.full();

/** The pool outlives the runs. */
const workers: Workers = {
  get places() {
    return pool.workers.places;
  },
  set onPlaces(heard: () => void) {
    pool.workers.onPlaces = heard;
  },
  get onPlaces() {
    return pool.workers.onPlaces;
  },
  room: (step) => pool.workers.room(step),
  perform: (works, settling) => pool.workers.perform(works, settling),
  withdraw: (work) => pool.workers.withdraw(work),
  serves: (path) => pool.workers.serves(path),
  close: async () => {},
};

async function round(
  durability: "none" | "group" | "commit",
  name: string,
  count: number,
  atOnce: number,
): Promise<Round & { latencies: number[] }> {
  const open = new Map<number, () => void>();
  const early = new Set<number>();
  let verified = 0;
  const journals = sqliteJournals(join(folder, "flows"));
  const run = await runFlow(chain(durability), {
    env,
    journals,
    workers,
    id: name,
    output: (_, value, task) => {
      if ((value as unknown as { hops: number }).hops === STEPS) verified++;
      const done = open.get(task);
      if (done === undefined) early.add(task);
      open.delete(task);
      done?.();
    },
  });
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const latencies: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      next++;
      const began = performance.now();
      const task = await run.submit({ hops: 0, text: "sixteen bytes ..." });
      if (!early.delete(task)) await new Promise<void>((resolve) => open.set(task, resolve));
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  await run.close();
  const end = await run.finished;
  const elapsedMs = performance.now() - startedAt;
  const used = process.cpuUsage(cpu);
  if (end !== "done" || verified !== count)
    throw new Error(`${verified} of ${count} items took ${STEPS} steps; the run is ${end}`);
  const { position } = await run.states({ limit: 1 });
  await run.stop();
  return {
    ...{ stepsPerSecond: (count * STEPS * 1_000) / elapsedMs, blocks: position, latencies },
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

await round("group", "warm-up", Math.min(items, 5_000), inFlight);
const results: Record<string, unknown> = {};
for (const durability of ["group", "commit", "none"] as const) {
  const all: Round[] = [];
  for (let number = 1; number <= rounds; number++)
    all.push(await round(durability, `${durability}-${number}`, items, inFlight));
  const speeds = all.map(({ stepsPerSecond }) => Math.round(stepsPerSecond));
  results[durability] = {
    speeds,
    median: median(speeds),
    blocks: all.map(({ blocks }) => blocks),
    cpuSeconds: all.map(({ cpuSeconds }) => cpuSeconds),
  };
  if (!values.json)
    console.log(
      `${durability.padEnd(8)} ${median(speeds)} steps/s (${Math.min(...speeds)}–${Math.max(...speeds)}), router ${median(all.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} s of CPU for ${items * STEPS} steps, ${median(all.map(({ blocks }) => blocks))} syncs`,
    );
}
if (values.one) {
  for (const durability of ["group", "commit", "none"] as const) {
    const { latencies, blocks } = await round(durability, `one-${durability}`, 300, 1);
    results[`one ${durability}`] = { p50: median(latencies), syncsPerChain: blocks / 300 };
    if (!values.json)
      console.log(
        `one at a time, ${durability}: p50 ${median(latencies).toFixed(2)} ms, ${(blocks / 300).toFixed(1)} syncs a chain`,
      );
  }
}
if (values.json) console.log(JSON.stringify({ items, inFlight, steps: STEPS, results }));
await pool.workers.close();
rmSync(folder, { recursive: true });
process.exit(0);
