// graphile-worker beside ours: each step is a job that adds the next one; two worker processes, as its manual says for throughput (local
// queue, completions in batches). It has no join.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { children } from "./children.ts";
import { type FlowSystem, inTurns, verified } from "./system.ts";

/** What of the package is used; it is installed by `npm run bench` alone, so its types may not be there. */
export interface Graphile {
  run(options: object): Promise<{ stop(): Promise<void> }>;
  makeWorkerUtils(options: object): Promise<{
    addJob(task: string, payload: object, options?: object): Promise<unknown>;
    migrate(): Promise<void>;
    release(): Promise<void>;
  }>;
}

export function graphileWorker(): Graphile | undefined {
  const file = new URL("../peers/package.json", import.meta.url);
  if (!existsSync(new URL("../peers/node_modules/graphile-worker", import.meta.url))) return undefined;
  // Its own declarations say the same.
  return createRequire(file)("graphile-worker") as Graphile;
}

/** `address`: of the server, as its users write it. */
export async function graphileFlows(address: string, graphile: Graphile): Promise<FlowSystem> {
  const name = "graphile-worker";
  const utils = await graphile.makeWorkerUtils({ connectionString: address });
  await utils.migrate();
  const workers = await children("./graphile-worker.ts", 2, [address]);
  const open = new Map<number, (hops: number) => void>();
  let last = 0;
  workers.onMessage = (message) => {
    // Its worker sends nothing else.
    const { item, hops } = message as { item: number; hops: number };
    open.get(item)?.(hops);
    open.delete(item);
  };
  return {
    name,
    chain: (items, inFlight) =>
      inTurns(items, inFlight, async () => {
        const item = ++last;
        const ended = new Promise<number>((resolve) => open.set(item, resolve));
        await utils.addJob("link", { item, hops: 0 }, { maxAttempts: 3 });
        verified(await ended, name);
      }),
    fan: undefined,
    close: async () => {
      await workers.stop();
      await utils.release();
    },
  };
}
