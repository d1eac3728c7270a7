// What a run of flows costs besides its steps: `npm run bench -- flows-rows`. Router and journal alone: the workers are functions in this process
// that answer at once, so nothing is measured but what is ours.
//
//   lag        from a change of a task to the moment at which one who follows it is told, at 20,000 changes a second
//   snapshot   the states of a million tasks, counts alone and every row
//   restart    a run of a million events is read back
//   memory     a producer that has ten times what the consumer takes, for a minute
//
//   --only NAMES   with commas
//   --tasks N      of the snapshot and the restart (1000000)
//   --seconds N    of lag (10) and memory (60)
//   --quick        a hundredth of it, to see that all of it runs: its figures say nothing
//   --json

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type FlowRun, flow, type Journals, runFlow, sqliteJournals, type Workers } from "../src/flows/index.ts";
import { systemEnv } from "../src/system/env.ts";
import { Chain, HopSchema } from "./flows/components/chain/gen/chain_pb.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "lag,snapshot,restart,memory" },
    tasks: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const { quick } = values;
const only = values.only.split(",");
const TASKS = Number(values.tasks ?? (quick ? 10_000 : 1_000_000));
const LAG_S = Number(values.seconds ?? (quick ? 1 : 10));
const MEMORY_S = Number(values.seconds ?? (quick ? 2 : 60));
const CHANGES_A_SECOND = 20_000;
/** An item of one step: it waits, it is given away, it is done. */
const CHANGES = 3;
/** Every so many items are followed. */
const FOLLOWED = 50;
const CONSUMED_A_SECOND = 2_000;

const env = systemEnv();
const folder = mkdtempSync(join(tmpdir(), "unum-bench-rows-"));
const journals: Journals = sqliteJournals(folder);
const results: Record<string, unknown> = {};
try {
  if (only.includes("lag")) await lag();
  if (only.includes("snapshot") || only.includes("restart")) await many();
  if (only.includes("memory")) await memory();
  if (values.json) console.log(JSON.stringify(results));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

function atOnce(): Workers {
  return {
    places: 1_024,
    onPlaces: () => {},
    room: () => Number.POSITIVE_INFINITY,
    perform: (works, { began, settled }) => {
      for (const work of works) began(work);
      setImmediate(() => {
        for (const work of works) settled(work, { kind: "done", values: [work.value] });
      });
    },
    withdraw: () => {},
    serves: () => true,
    close: async () => {},
  };
}

function one(policy: { readonly capacity?: number; readonly perSecond?: number } = {}) {
  return flow(
    "one",
    ({ source, step, sink }) => {
      source(HopSchema).to(step("only", Chain.method.link), policy).to(sink("end"));
    },
    { input: HopSchema },
  );
}

async function lag(): Promise<void> {
  const run = await begin("lag", one());
  const lags: number[] = [];
  const following: Promise<void>[] = [];
  let held = 0;
  const follow = async (task: number) => {
    // Where the machine does not keep up, an item waits for room and has no number yet.
    if ((await run.status(task)) === undefined) {
      held++;
      return;
    }
    let first = true;
    for await (const { changedAt } of run.statusFor(task)) {
      // The state at which one begins to look is no change.
      if (!first) lags.push(performance.timeOrigin + performance.now() - changedAt);
      first = false;
    }
  };
  const startedAt = performance.now();
  let submitted = 0;
  for (let elapsedMs = 0; elapsedMs < LAG_S * 1_000; elapsedMs = performance.now() - startedAt) {
    const due = Math.floor((elapsedMs * CHANGES_A_SECOND) / CHANGES / 1_000);
    for (; submitted < due; submitted++) {
      const task = run.submit({ hops: 0, text: "sixteen bytes ..." });
      // Its number is the next one: it can be followed from its first moment, before it is on disk.
      if (submitted % FOLLOWED === 0) following.push(follow(submitted + 1));
      task.catch(() => {});
    }
    await sleep(2);
  }
  const took = performance.now() - startedAt;
  await over(run);
  await Promise.all(following);
  lags.sort((a, b) => a - b);
  const at = (share: number) => Math.round((lags[Math.floor(lags.length * share)] ?? Number.NaN) * 10) / 10;
  const rate = Math.round((submitted * CHANGES * 1_000) / took);
  tell("lag", { changesPerSecond: rate, told: lags.length, held, p50: at(0.5), p99: at(0.99), most: at(1 - 1e-9) });
}

async function many(): Promise<void> {
  const beganAt = performance.now();
  const run = await begin("many", one());
  let left = TASKS;
  const submitter = async () => {
    while (left-- > 0) await run.submit({ hops: 0, text: "sixteen bytes ..." });
  };
  await Promise.all(Array.from({ length: 2_000 }, submitter));
  await over(run, false);
  tell("many", { tasks: TASKS, seconds: seconds(beganAt) });
  if (only.includes("snapshot")) {
    const countedAt = performance.now();
    const { counts } = await run.states({ limit: 0 });
    const countsSeconds = seconds(countedAt);
    if (counts.done !== TASKS) throw new Error(`${counts.done} of ${TASKS} tasks are done`);
    const rowsAt = performance.now();
    let [after, rows] = [0, 0];
    for (;;) {
      const { tasks } = await run.states({ after, limit: 50_000 });
      rows += tasks.length;
      const last = tasks.at(-1);
      if (last === undefined) break;
      after = last.task;
    }
    if (rows !== TASKS) throw new Error(`${rows} of ${TASKS} rows`);
    tell("snapshot", { tasks: rows, countsSeconds, rowsSeconds: seconds(rowsAt) });
  }
  await run.stop();
  if (only.includes("restart")) {
    const restartedAt = performance.now();
    const again = await begin("many", one());
    const took = seconds(restartedAt);
    if ((await again.finished) !== "done") throw new Error("it is not done");
    const events = TASKS * CHANGES;
    tell("restart", { events, seconds: took, secondsForAMillion: Math.round((took * 1e8) / events) / 100 });
    await again.stop();
  }
}

async function memory(): Promise<void> {
  const run = await begin("memory", one({ capacity: 1_000, perSecond: CONSUMED_A_SECOND }));
  const startedAt = performance.now();
  const samples: { second: number; heapMb: number; rssMb: number }[] = [];
  let [submitted, open] = [0, true];
  const producer = async () => {
    while (open) {
      await run.submit({ hops: submitted++, text: "sixteen bytes ...".repeat(60) });
    }
  };
  // Ten times as many are on offer as are taken.
  const producers = Array.from({ length: CONSUMED_A_SECOND * 10 }, () => producer().catch(() => {}));
  for (let tenth = 1; tenth <= 10; tenth++) {
    await sleep(Math.max(1, startedAt + (tenth * MEMORY_S * 1_000) / 10 - performance.now()));
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const mb = (bytes: number) => Math.round(bytes / 1e5) / 10;
    samples.push({ second: Math.round((tenth * MEMORY_S) / 10), heapMb: mb(heapUsed + external), rssMb: mb(rss) });
  }
  open = false;
  const { ended } = run.progress;
  await run.cancel("measured");
  await Promise.all(producers);
  await run.stop();
  tell("memory", { ended, samples });
}

async function begin(id: string, declared: ReturnType<typeof one>): Promise<FlowRun<typeof HopSchema>> {
  return runFlow(declared, { env, journals, workers: atOnce(), id });
}

async function over(run: FlowRun<typeof HopSchema>, stop = true): Promise<void> {
  await run.close();
  const end = await run.finished;
  if (end !== "done") throw new Error(`the run is ${end}`);
  if (stop) await run.stop();
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 10) / 100;
}

function tell(name: string, figures: object): void {
  results[name] = figures;
  if (!values.json) console.log(name.padEnd(10), JSON.stringify(figures));
}
