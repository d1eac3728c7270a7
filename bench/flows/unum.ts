// Unum's flows: a router in this process, two worker processes, and the journal that is asked for.

import { randomUUID } from "node:crypto";
import { ContainerPool } from "../../src/cli/flow/container-pool.ts";
import { type FlowRun, flow, type Journals, runFlow, type Workers } from "../../src/flows/index.ts";
import { systemEnv } from "../../src/system/env.ts";
import { Chain, HopSchema } from "./components/chain/gen/chain_pb.ts";
import { type FlowSystem, inTurns, PARTS, STEPS, verified } from "./system.ts";

export type Durability = "none" | "group" | "commit";

export const env = systemEnv();

export function chainFlow(durability: Durability) {
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

function fanFlow(durability: Durability) {
  return flow(
    "fan",
    ({ source, step, join, sink }) => {
      const part = source(HopSchema)
        .to(step("split", Chain.method.split), { durability })
        .to(step("part", Chain.method.link), { durability });
      join("together", { part }, HopSchema, ({ part: all }) => ({ hops: all.length, text: "" })).to(sink("end"));
    },
    { input: HopSchema },
  );
}

export async function startPool(): Promise<ContainerPool> {
  const folder = new URL("components", import.meta.url).pathname;
  const pool = await ContainerPool.start({ env, folder, most: 2, places: 512, say: console.error });
  await pool.full();
  return pool;
}

/** The pool outlives its runs. */
export function shared(pool: ContainerPool): Workers {
  const { workers } = pool;
  return {
    get places() {
      return workers.places;
    },
    set onPlaces(heard: () => void) {
      workers.onPlaces = heard;
    },
    get onPlaces() {
      return workers.onPlaces;
    },
    room: (step) => workers.room(step),
    perform: (works, settling) => workers.perform(works, settling),
    withdraw: (work) => workers.withdraw(work),
    serves: (path) => workers.serves(path),
    close: async () => {},
  };
}

interface Settings {
  readonly name: string;
  readonly durability: Durability;
  readonly journals: Journals;
  readonly workers: Workers;
}

export function unumFlows({ name, durability, journals, workers }: Settings): FlowSystem {
  const begin = async (declared: ReturnType<typeof chainFlow>, expected: number) => {
    const open = new Map<number, () => void>();
    const early = new Set<number>();
    const run = await runFlow(declared, {
      ...{ env, journals, workers, id: randomUUID() },
      output: (_, value, task) => {
        // The one sink takes hops alone.
        const { hops } = value as unknown as { hops: number };
        if (expected === STEPS) verified(hops, name);
        else if (hops !== expected) throw new Error(`${name}: ${hops} of ${expected} parts were joined`);
        const done = open.get(task);
        if (done === undefined) early.add(task);
        open.delete(task);
        done?.();
      },
    });
    const one = async () => {
      const task = await run.submit({ hops: 0, text: "sixteen bytes ..." });
      if (!early.delete(task)) await new Promise<void>((resolve) => open.set(task, resolve));
    };
    return { run, one };
  };
  return {
    name,
    chain: async (items, inFlight) => {
      const { run, one } = await begin(chainFlow(durability), STEPS);
      const round = await inTurns(items, inFlight, one);
      const syncs = await over(run);
      return { ...round, note: `${(syncs / items).toFixed(items < syncs ? 1 : 3)} syncs a chain` };
    },
    fan: async (items) => {
      const { run, one } = await begin(fanFlow(durability), PARTS);
      const { latencies } = await inTurns(items, 1, one);
      await over(run);
      return latencies;
    },
    close: async () => {},
  };
}

/** Blocks of its journal, each of which was synchronized. */
async function over(run: FlowRun): Promise<number> {
  await run.close();
  const end = await run.finished;
  if (end !== "done") throw new Error(`the run is ${end}`);
  const { position } = await run.states({ limit: 1 });
  await run.stop();
  return position;
}
