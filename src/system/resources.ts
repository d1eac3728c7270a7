// What this computer has and what a process uses of it, as the system tells.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Available, ProcessMemory, Resources } from "../base/resources.ts";
import { cgroupLimits } from "./cgroup.ts";
import { processesBelow, processorOfAll } from "./process-tree.ts";
import { ProcessorTime } from "./processor-time.ts";

/** One for a process. */
export function systemResources(): Resources {
  const [shares, times] = [new Shares(), new ProcessorTimes()];
  return {
    available: () => available({ parallelism: availableParallelism(), totalBytes: totalmem(), root: "" }),
    memoryOf: (pid) => (process.platform === "linux" ? memoryFromProc(pid, "/proc", shares) : memoryFromPs(pid)),
    processorMsOf: (pid) => times.of(pid, "/proc"),
  };
}

/** The least of what the hardware, the scheduler's affinity and control groups say. */
export function available(of: {
  readonly parallelism: number;
  readonly totalBytes: number;
  readonly root: string;
}): Available {
  const { quotaCpus, cpuCount, memoryBytes } = cgroupLimits(of.root);
  return {
    cpus: Math.min(of.parallelism, quotaCpus ?? of.parallelism, cpuCount ?? of.parallelism),
    memoryBytes: Math.min(of.totalBytes, memoryBytes ?? of.totalBytes),
  };
}

/** Of the process and all below it: what runs in a container's cells is its. */
export async function memoryFromProc(
  pid: number,
  proc: string,
  shares = new Shares(),
): Promise<ProcessMemory | undefined> {
  const own = await memoryOfOne(pid, proc, shares);
  if (own === undefined) return undefined;
  let { residentBytes, proportionalBytes } = own;
  for (const child of await processesBelow(pid, { proc })) {
    const memory = await memoryOfOne(child, proc, shares);
    residentBytes += memory?.residentBytes ?? 0;
    if (proportionalBytes !== undefined) proportionalBytes += memory?.proportionalBytes ?? memory?.residentBytes ?? 0;
  }
  return { residentBytes, proportionalBytes };
}

/** Of these together, each shared page divided by those who share it; those that have ended count nothing. */
export async function memoryBytesOfAll(pids: readonly number[], shares: Shares): Promise<number> {
  const each = await Promise.all(pids.map((pid) => memoryOfOne(pid, "/proc", shares)));
  return each.reduce((sum, memory) => sum + (memory?.proportionalBytes ?? memory?.residentBytes ?? 0), 0);
}

async function memoryOfOne(pid: number, proc: string, shares: Shares): Promise<ProcessMemory | undefined> {
  const status = await readFile(`${proc}/${pid}/status`, "latin1").catch(() => "");
  const residentBytes = kilobytes(status, "VmRSS");
  if (residentBytes === undefined) return undefined;
  return { residentBytes, proportionalBytes: await shares.of(pid, proc, residentBytes) };
}

interface Share {
  readonly residentBytes: number;
  readonly proportionalBytes: number;
  asked: number;
}

/** A process that has grown or shrunk by no more has its share reckoned, and so many times in a row. */
const NEAR_BYTES = 16 * 2 ** 20;
const RECKONED = 10;
const MOST_KNOWN = 4_096;

/**
 * What a process has of memory that several have. The system walks through all of its pages to say it, which takes milliseconds; what
 * one grows by in between is its own.
 */
export class Shares {
  readonly #known = new Map<number, Share>();

  /** Undefined where the system does not say. */
  async of(pid: number, proc: string, residentBytes: number): Promise<number | undefined> {
    const known = this.#known.get(pid);
    const grownBytes = residentBytes - (known?.residentBytes ?? 0);
    if (known !== undefined && known.asked < RECKONED && Math.abs(grownBytes) <= NEAR_BYTES) {
      known.asked++;
      return Math.max(0, known.proportionalBytes + grownBytes);
    }
    const rollup = await readFile(`${proc}/${pid}/smaps_rollup`, "latin1").catch(() => "");
    const proportionalBytes = kilobytes(rollup, "Pss");
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    if (proportionalBytes === undefined) this.#known.delete(pid);
    else this.#known.set(pid, { residentBytes, proportionalBytes, asked: 0 });
    return proportionalBytes;
  }
}

/** Of those that are asked for again and again, each with all below it. */
class ProcessorTimes {
  readonly #known = new Map<number, ProcessorTime>();

  /** Since it was looked at first, and what it had used until then. Undefined where there is no such process, or the system does not say. */
  async of(pid: number, proc: string): Promise<number | undefined> {
    const now = await processorOfAll([pid, ...(await processesBelow(pid, { proc }))], proc);
    if (!now.has(pid)) {
      this.#known.delete(pid);
      return undefined;
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const time = this.#known.get(pid) ?? new ProcessorTime();
    this.#known.set(pid, time);
    return time.seen(now);
  }
}

/** For systems without /proc; costs the start of a process. */
export async function memoryFromPs(pid: number): Promise<ProcessMemory | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-p", String(pid), "-o", "rss="], { timeout: 5_000 });
    const kilobytesUsed = Number(stdout.trim());
    if (stdout.trim() === "" || Number.isNaN(kilobytesUsed)) return undefined;
    return { residentBytes: kilobytesUsed * 1_024, proportionalBytes: undefined };
  } catch {
    return undefined; // ps exits with 1 where there is none
  }
}

/** Of a line `NAME:   123 kB`. */
function kilobytes(text: string, name: string): number | undefined {
  const [, digits] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1_024;
}
