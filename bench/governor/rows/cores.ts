// Work for processors alone: two containers of a node beside twice what one bare process does, and beside two bare ones.
//
// On a machine with other work two processes get more of it than one, so the first ratio flatters there; that of processor
// time does not depend on what else runs.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpuUsOf } from "../../harness/processor.ts";
import type { Batch, BatchDone } from "../bare-worker.ts";
import { Worker } from "../components/worker/gen/worker_pb.ts";
import { compute } from "../components/worker/steps.ts";
import type { Figure, Row } from "../figure.ts";
import { inState, serving, since, type TestNode, withNode } from "../node.ts";

/** Some 20 ms on a processor of today. */
const STEPS = 8_000_000;
const CONTAINERS = 2;
/** Each container always has a call to work on and one that waits. */
const IN_FLIGHT = 2 * CONTAINERS;

export const coresRow: Row = async ({ rounds, quick }, progress) => {
  const jobs = quick ? 20 : 60;
  const bare = Array.from({ length: CONTAINERS }, () => fork(new URL("../bare-worker.ts", import.meta.url)));
  const expected = compute(STEPS);
  const one: number[] = [];
  const twoBare: number[] = [];
  const contained: number[] = [];
  const processorTime: number[] = [];
  try {
    await withNode({ node: { containers: CONTAINERS, spares: 0 } }, async (node) => {
      const status = await node.until(serving(1));
      if (inState("serving", await node.until(serving(status.containers.length))).length !== CONTAINERS) {
        throw new Error(`${CONTAINERS} containers were intended; this computer has too few processors for them`);
      }
      // Unmeasured: the engine compiles what runs often.
      for (const process of bare) await batch(process, 3, expected);
      await inContainers(node, 3 * CONTAINERS, expected);
      const pids = status.containers.map(({ pid }) => pid);
      for (let round = 1; round <= rounds; round++) {
        progress(`two containers on two processors, ${round} of ${rounds}`);
        const [first] = bare;
        if (first === undefined) throw new Error("no bare process was started");
        const before = [first.pid ?? 0, ...pids].map(cpuUsOf);
        one.push(jobs / (await batch(first, jobs, expected)));
        contained.push((CONTAINERS * jobs) / (await inContainers(node, CONTAINERS * jobs, expected)));
        const spent = [first.pid ?? 0, ...pids].map((pid, place) => cpuUsOf(pid) - (before[place] ?? 0));
        const [ofBare = 0, ...ofContainers] = spent;
        const inContainersUs = ofContainers.reduce((sum, us) => sum + us, 0) / CONTAINERS;
        processorTime.push(inContainersUs / ofBare);
        twoBare.push(
          (CONTAINERS * jobs) / Math.max(...(await Promise.all(bare.map((each) => batch(each, jobs, expected))))),
        );
      }
    });
  } finally {
    for (const process of bare) process.kill("SIGKILL");
  }
  const over = (under: readonly number[], times: number) =>
    contained.map((rate, round) => rate / (times * (under[round] ?? Number.NaN)));
  const perSecond = (rates: readonly number[]) => rates.map((rate) => rate * 1_000);
  return [
    { says: "one bare process", unit: "jobs/s", rounds: perSecond(one) },
    { says: "two containers, four calls in flight", unit: "jobs/s", rounds: perSecond(contained) },
    {
      says: "two containers over twice one bare process",
      unit: "x",
      rounds: over(one, 2),
      goal: { bound: "at least", value: 0.9 },
    },
    { says: "processor time of a job in a container over that in a bare process", unit: "x", rounds: processorTime },
    { says: "two containers over two bare processes at once", unit: "x", rounds: over(twoBare, 1) },
  ] satisfies Figure[];
};

/** Milliseconds. */
async function batch(process: ChildProcess, jobs: number, expected: number): Promise<number> {
  const order: Batch = { jobs, steps: STEPS };
  const answered = once(process, "message");
  process.send(order);
  // The only writer on the channel is bare-worker.ts, which sends this.
  const [done] = (await answered) as [BatchDone];
  if (done.result !== expected) throw new Error("a bare process computed something else");
  return done.elapsedMs;
}

/** Milliseconds. */
async function inContainers(node: TestNode, jobs: number, expected: number): Promise<number> {
  const pids = new Set<number>();
  let next = 0;
  const from = performance.now();
  const oneAfterAnother = async () => {
    while (next < jobs) {
      next++;
      const { result, pid } = await node.client.call(Worker.method.do, { steps: STEPS }, { ttlMs: 60_000 });
      if (result !== expected) throw new Error(`container process ${pid} computed something else`);
      pids.add(pid);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, oneAfterAnother));
  const tookMs = since(from);
  if (pids.size !== CONTAINERS)
    throw new Error(`${pids.size} containers did the jobs where ${CONTAINERS} were intended`);
  return tookMs;
}
