// Processor time of another process.

import { readdirSync, readFileSync } from "node:fs";

/** Microseconds of all threads that it has now, counted to the nanosecond, where /proc/PID/stat counts in hundredths of a second. */
export function cpuUsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const each = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return each.reduce((sum, ns) => sum + ns, 0) / 1_000;
}
