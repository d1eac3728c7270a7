// One worker process of BullMQ: adds one to what its children brought.

import { bullMq, connectionTo, QUEUE } from "./bullmq.ts";

// Ends with who measures, however that ends.
process.once("disconnect", () => process.exit());
const [path = ""] = process.argv.slice(2);
const bull = bullMq();
if (bull === undefined) throw new Error("bench/peers is not installed");
const worker = new bull.Worker(
  QUEUE,
  async (job) => {
    const before = Object.values(await job.getChildrenValues());
    return { hops: before.reduce((sum, { hops }) => sum + hops, 0) + 1 };
  },
  { connection: connectionTo(path), concurrency: 100 },
);
await worker.waitUntilReady();
process.send?.("ready");
