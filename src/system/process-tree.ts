// A process and all that it started, as Linux tells it: how much processor time they used, and how all below one are paused.

import { readdir, readFile } from "node:fs/promises";

/** Processes below one that are counted; more has no container. */
const MOST_BELOW = 512;
/** proc_pid_stat(5): sysconf(_SC_CLK_TCK) is 100 on every Linux. */
const TICK_MS = 10;
/** utime, stime, cutime and cstime, after the name, which may have spaces and parentheses in it. */
const TIMES = [11, 12, 13, 14];

/**
 * Each after who started it. Empty where the system does not say. `proc`: where that is. Those that a first thread started alone, unless
 * `thorough`, which costs a file for every thread: Node starts none by another, a library may.
 */
export async function processesBelow(
  pid: number,
  { proc = "/proc", thorough = false }: { readonly proc?: string; readonly thorough?: boolean } = {},
): Promise<readonly number[]> {
  const found: number[] = [];
  const left = [pid];
  while (left.length > 0 && found.length < MOST_BELOW) {
    const next = left.shift() ?? 0;
    if (next !== pid) found.push(next);
    left.push(...(await childrenOf(next, proc, thorough)));
  }
  return found;
}

/** What one process has used of the processors. */
export interface Processor {
  readonly ownMs: number;
  /** By those that it started and waited for, and they. */
  readonly waitedMs: number;
}

/** Of those that are there. */
export async function processorOfAll(pids: readonly number[], proc = "/proc"): Promise<ReadonlyMap<number, Processor>> {
  const each = await Promise.all(pids.map((pid) => processorOfOne(pid, proc)));
  return new Map(each.flatMap((one, at) => (one === undefined ? [] : [[pids[at] ?? 0, one] as const])));
}

/** Whatever they are in the middle of. One that was just started may be missed. */
export async function pauseBelow(pid: number): Promise<void> {
  for (const child of await processesBelow(pid, { thorough: true })) signal(child, "SIGSTOP");
}

export async function resumeBelow(pid: number): Promise<void> {
  for (const child of await processesBelow(pid, { thorough: true })) signal(child, "SIGCONT");
}

async function childrenOf(pid: number, proc: string, thorough: boolean): Promise<readonly number[]> {
  const threads = thorough ? await readdir(`${proc}/${pid}/task`).catch(() => []) : [pid];
  const texts = await Promise.all(
    threads.map((thread) => readFile(`${proc}/${pid}/task/${thread}/children`, "latin1").catch(() => "")),
  );
  return texts.flatMap((text) => text.split(" ").filter(Boolean).map(Number));
}

async function processorOfOne(pid: number, proc: string): Promise<Processor | undefined> {
  const text = await readFile(`${proc}/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0, waitedUser = 0, waitedSystem = 0] = TIMES.map((at) => Number(fields[at]) * TICK_MS);
  const found = { ownMs: user + system, waitedMs: waitedUser + waitedSystem };
  return Number.isNaN(found.ownMs + found.waitedMs) ? undefined : found;
}

/** One that has ended meanwhile needs none. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {}
}
