// One process conducts a run at a time: a file in its folder names it, by id and start time.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { systemProcesses } from "../../system/processes.ts";

interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

/** Who conducts the run now; undefined where nobody does. */
export function holderOf(folder: string, env: Pick<Env, "clock">): Holder | undefined {
  try {
    // Written below.
    const holder = JSON.parse(readFileSync(join(folder, "conductor"), "utf8")) as Holder;
    return systemProcesses(env.clock).startTimeOf(holder.pid) === holder.startTime ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Whether who conducted it last ended without a word: killed, or taken along by what it evaluated. */
export function endedUnsaid(folder: string, env: Pick<Env, "clock">): boolean {
  return existsSync(join(folder, "conductor")) && holderOf(folder, env) === undefined;
}

/** Throws the Fault `denied` where another process conducts it. */
export function holdRun(folder: string, name: string, env: Pick<Env, "clock">): { release(): void } {
  const other = holderOf(folder, env);
  if (other !== undefined) {
    throw new Fault("denied", `${name} runs already, in process ${other.pid}; 'unum islands watch ${name}' looks on`);
  }
  const path = join(folder, "conductor");
  const startTime = systemProcesses(env.clock).startTimeOf(process.pid) ?? "";
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTime } satisfies Holder));
  return { release: () => rmSync(path, { force: true }) };
}
