// The program of a measuring process: `process.ts SYSTEM`. Does what it is asked over its channel, and ends with it.

import { systemNamed } from "../systems/index.ts";
import type { Calling, Serving } from "../systems/system.ts";
import { run } from "./load.ts";
import { memoryNow } from "./memory.ts";
import { type Payloads, payloads } from "./payload.ts";
import type { Answer, Ask, Work, WorkName } from "./work.ts";

type Worker = { [Name in WorkName]: (given: Work[Name][0]) => Promise<Work[Name][1]> };

const name = process.argv[2] ?? "";
const pools = new Map<number, Payloads>();
let serving: Serving | undefined;
let calling: Calling | undefined;
let unanswered = 0;
let failure: unknown;

const worker: Worker = {
  async serve({ folder }) {
    serving = await (await systemNamed(name)).serve(folder);
    return serving.address;
  },
  async connect({ address }) {
    calling = await (await systemNamed(name)).connect(address);
    return null;
  },
  async local() {
    const system = await systemNamed(name);
    if (system.local === undefined) throw new Error(`${name} has no calls within one process`);
    ({ serving, calling } = await system.local());
    return null;
  },
  load: (load) => run(caller().echo(poolOf(load.sizeBytes)), load),
  async count() {
    const { user, system } = process.cpuUsage();
    return { served: serving?.served() ?? 0, cpuUs: user + system };
  },
  memory: memoryNow,
  async hold({ calls, sizeBytes }) {
    for (let index = 0; index < calls; index++) {
      unanswered++;
      caller()
        .hold(poolOf(sizeBytes), index)
        .then(
          () => unanswered--,
          (thrown: unknown) => {
            failure ??= thrown;
          },
        );
    }
    return null;
  },
  async held() {
    if (failure !== undefined) throw failure;
    return serving?.held() ?? unanswered;
  },
  async release() {
    serving?.release();
    return null;
  },
  async close() {
    await calling?.close();
    await serving?.close();
    return null;
  },
};

function caller(): Calling {
  if (calling === undefined) throw new Error("not connected");
  return calling;
}

function poolOf(sizeBytes: number): Payloads {
  const pool = pools.get(sizeBytes) ?? payloads(sizeBytes);
  pools.set(sizeBytes, pool);
  return pool;
}

async function answer(ask: Ask): Promise<Answer> {
  try {
    // The name decides which of the union the ask's `given` is; the compiler does not follow that.
    const work = worker[ask.work] as (given: unknown) => Promise<Work[WorkName][1]>;
    return { id: ask.id, value: await work(ask.given) };
  } catch (thrown) {
    return { id: ask.id, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}

// The only writer on the channel is harness/child.ts, which sends this.
process.on("message", async (ask: Ask) => process.send?.(await answer(ask)));
process.on("disconnect", () => process.exit(0));
