// What the containers are compared with: a bare process that computes, and counts. Does so many jobs each time it is told to.

import { compute } from "./components/worker/steps.ts";

export interface Batch {
  readonly jobs: number;
  readonly steps: number;
}

export interface BatchDone {
  readonly elapsedMs: number;
  /** Of the last job. */
  readonly result: number;
}

// The only writer on the channel is rows/cores.ts, which sends this.
process.on("message", ({ jobs, steps }: Batch) => {
  const from = performance.now();
  let result = 0;
  for (let job = 0; job < jobs; job++) result = compute(steps);
  const done: BatchDone = { elapsedMs: performance.now() - from, result };
  process.send?.(done);
});
process.on("disconnect", () => process.exit(0));
