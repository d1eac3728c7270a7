// How many worker threads a process has at a time: counted where they are made, so that one more is refused by name, not by
// a system that has no room for it.
//
// A seat belt: what a program that means harm gets around it with is bounded by the system's own limits (confinement.ts).

import { syncBuiltinESMExports } from "node:module";
import threads, { type WorkerOptions } from "node:worker_threads";
import { Fault } from "../base/fault.ts";

/**
 * From now on, for all that the process loads. Without one every start throws the Fault `denied`, past the limit `overloaded`.
 * `heapMiB`: of one thread's JavaScript heap, at most.
 */
export function limitThreads(most: number, heapMiB = Number.POSITIVE_INFINITY): void {
  const { Worker } = threads;
  let running = 0;
  class CountedWorker extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      if (most === 0)
        throw new Fault(
          "denied",
          "its program declares no worker threads; say how many with 'threads' in program.json",
        );
      if (running >= most)
        throw new Fault(
          "overloaded",
          `${running} worker threads run, and its program declares ${most} with 'threads' in program.json`,
        );
      const { maxOldGenerationSizeMb = heapMiB } = options.resourceLimits ?? {};
      const heap = Math.min(heapMiB, maxOldGenerationSizeMb);
      const bound = heap === Number.POSITIVE_INFINITY ? {} : { maxOldGenerationSizeMb: heap };
      super(file, { ...options, resourceLimits: { ...options.resourceLimits, ...bound } });
      running++;
      this.once("exit", () => {
        running--;
      });
    }
  }
  threads.Worker = CountedWorker;
  syncBuiltinESMExports();
}
