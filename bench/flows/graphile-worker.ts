// One worker process of graphile-worker: adds one, and adds the job of the next step; the last one says so.

import { graphileWorker } from "./graphile.ts";
import { STEPS } from "./system.ts";

// Ends with who measures, however that ends.
process.once("disconnect", () => process.exit());
const [connectionString = ""] = process.argv.slice(2);
const graphile = graphileWorker();
if (graphile === undefined) throw new Error("bench/peers is not installed");
interface Helpers {
  addJob(task: string, payload: object, options: object): Promise<unknown>;
}
const CONCURRENCY = 24;
await graphile.run({
  noHandleSignals: true,
  preset: {
    worker: {
      ...{ connectionString, concurrentJobs: CONCURRENCY, maxPoolSize: CONCURRENCY + 2, pollInterval: 500 },
      ...{ completeJobBatchDelay: 0, failJobBatchDelay: 0, localQueue: { size: 200 } },
    },
  },
  taskList: {
    link: async ({ item, hops }: { item: number; hops: number }, helpers: Helpers) => {
      if (hops + 1 < STEPS) await helpers.addJob("link", { item, hops: hops + 1 }, { maxAttempts: 3 });
      else process.send?.({ item, hops: hops + 1 });
    },
  },
});
process.send?.("ready");
