// Memory of a process as Linux counts it.

import { readFileSync } from "node:fs";

export interface Pages {
  /** Own pages, and of pages shared with other processes the fair part: falls when more processes of Node run. */
  readonly pssKb: number;
  /** Pages of this process alone: what it would give back. */
  readonly privateKb: number;
}

export interface Memory extends Pages {
  readonly heapUsedKb: number;
}

/** After a garbage collection where the process was started with --expose-gc. */
export async function memoryNow(): Promise<Memory> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { ...pagesOf("self"), heapUsedKb: process.memoryUsage().heapUsed / 1024 };
}

/** Of any process, as it is: what its heap could give back is in it. */
export function pagesOf(pid: number | "self"): Pages {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return {
    pssKb: kilobytes(rollup, "Pss"),
    privateKb: kilobytes(rollup, "Private_Clean") + kilobytes(rollup, "Private_Dirty"),
  };
}

function kilobytes(rollup: string, name: string): number {
  const line = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(rollup);
  if (line === null) throw new Error(`smaps_rollup has no line '${name}'`);
  return Number(line[1]);
}
