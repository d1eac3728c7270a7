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

/** With those that ended and were waited for. Undefined where there is no such process. */
export async function processorMsFromProc(pid: number, proc: string): Promise<number | undefined> {
  const own = await processorMsOfOne(pid, proc);
  return own === undefined ? undefined : own + (await processorMsOfAll(await processesBelow(pid, { proc }), proc));
}

/** Of each alone, with those that it has waited for; those that have ended count nothing. */
export async function processorMsOfAll(pids: readonly number[], proc = "/proc"): Promise<number> {
  const each = await Promise.all(pids.map((pid) => processorMsOfOne(pid, proc)));
  return each.reduce<number>((sum, one) => sum + (one ?? 0), 0);
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

async function processorMsOfOne(pid: number, proc: string): Promise<number | undefined> {
  const text = await readFile(`${proc}/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = TIMES.reduce((sum, at) => sum + Number(fields[at]), 0);
  return Number.isNaN(ticks) ? undefined : ticks * TICK_MS;
}

/** One that has ended meanwhile needs none. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {}
}
