// Implements bench.governor.v1.Worker.

import { component } from "unum";
import { type Job, Worker } from "./gen/worker_pb.ts";
import { compute } from "./steps.ts";

const never = new Int32Array(new SharedArrayBuffer(4));

async function work({ waitMs, steps, blockMs }: Job) {
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (blockMs > 0) Atomics.wait(never, 0, 0, blockMs);
  return { pid: process.pid, result: compute(steps) };
}

export default component(Worker, { do: work }, { version: "1.0.0", concurrency: 64 });
