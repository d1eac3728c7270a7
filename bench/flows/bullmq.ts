// BullMQ beside ours: chains and fan-outs as its flows (a job waits for its children), two worker processes, retries on, history kept.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { children } from "./children.ts";
import type { RedisServer } from "./redis-server.ts";
import { type FlowSystem, inTurns, PARTS, STEPS, verified } from "./system.ts";

/** What of the package is used; it is installed by `npm run bench` alone, so its types may not be there. */
export interface Bull {
  readonly FlowProducer: new (options: object) => { add(tree: Tree): Promise<{ job: Job }>; close(): Promise<void> };
  readonly Worker: new (
    queue: string,
    work: (job: {
      data: { hops?: number };
      getChildrenValues(): Promise<Record<string, { hops: number }>>;
    }) => Promise<{
      hops: number;
    }>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown> };
  readonly QueueEvents: new (
    queue: string,
    options: object,
  ) => {
    on(
      event: string,
      heard: (about: { jobId: string; returnvalue: { hops: number }; failedReason?: string }) => void,
    ): void;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

interface Job {
  readonly id: string;
}

interface Tree {
  readonly name: string;
  readonly queueName: string;
  readonly data: object;
  readonly opts?: object;
  readonly children?: readonly Tree[];
}

export const QUEUE = "chain";
export const connectionTo = (path: string) => ({ path, maxRetriesPerRequest: null });

export function bullMq(): Bull | undefined {
  const file = new URL("../peers/package.json", import.meta.url);
  if (!existsSync(new URL("../peers/node_modules/bullmq", import.meta.url))) return undefined;
  // Its own declarations say the same.
  return createRequire(file)("bullmq") as Bull;
}

const OPTIONS = { attempts: 3, backoff: { type: "exponential", delay: 100 } };

/** The last step is the root, which waits for the one before it. */
function chainOf(step = STEPS): Tree {
  const head = { name: `step ${step}`, queueName: QUEUE, data: {}, opts: OPTIONS };
  return step === 1 ? head : { ...head, children: [chainOf(step - 1)] };
}

function fanOf(): Tree {
  const part = { name: "part", queueName: QUEUE, data: {}, opts: OPTIONS };
  return { ...part, name: "join", children: Array.from({ length: PARTS }, () => part) };
}

export async function bullMqFlows({ path }: RedisServer, bull: Bull): Promise<FlowSystem> {
  const name = "BullMQ";
  const connection = connectionTo(path);
  const workers = await children("./bullmq-worker.ts", 2, [path]);
  const producer = new bull.FlowProducer({ connection });
  const events = new bull.QueueEvents(QUEUE, { connection });
  await events.waitUntilReady();
  const open = new Map<string, (hops: number) => void>();
  const early = new Map<string, number>();
  events.on("completed", ({ jobId, returnvalue: { hops } }) => {
    const done = open.get(jobId);
    if (done !== undefined) done(hops);
    else early.set(jobId, hops);
    open.delete(jobId);
  });
  events.on("failed", ({ jobId, failedReason }) => {
    throw new Error(`BullMQ's job ${jobId} failed: ${failedReason}`);
  });
  const ended = async (tree: Tree): Promise<number> => {
    const { job } = await producer.add(tree);
    const before = early.get(job.id);
    if (before !== undefined) return before;
    return new Promise<number>((resolve) => open.set(job.id, resolve));
  };
  return {
    name,
    chain: async (items, inFlight) => {
      early.clear();
      return inTurns(items, inFlight, async () => verified(await ended(chainOf()), name));
    },
    fan: async (items) => {
      early.clear();
      const round = await inTurns(items, 1, async () => {
        const hops = await ended(fanOf());
        if (hops !== PARTS + 1) throw new Error(`${name}: ${hops - 1} of ${PARTS} parts were joined`);
      });
      return round.latencies;
    },
    close: async () => {
      await workers.stop();
      await Promise.all([producer.close(), events.close()]).catch(() => {});
    },
  };
}
