// What the system knows of a process by its number: when it started, and whether it still runs.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { ProcessId } from "../base/processes.ts";

export interface ProcessStatus {
  /** With the boot it belongs to. */
  readonly startTime: string;
  /** False for one that has ended and was not yet taken off the list by its parent. */
  readonly running: boolean;
}

const PROC = "/proc";

/** Undefined where no process has the number. `proc`: where the process file system lies. */
export function processStatus(pid: number, proc = PROC): ProcessStatus | undefined {
  return process.platform === "linux" ? statusFromProc(pid, proc) : statusFromPs(pid);
}

export function statusFromProc(pid: number, proc: string): ProcessStatus | undefined {
  let stat: string;
  try {
    stat = readFileSync(`${proc}/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  return statusOfStat(stat, bootId(proc));
}

/** proc_pid_stat(5): `PID (NAME) STATE …`, the start in field 22 in ticks since the boot. The name may hold anything, `)` too. */
export function statusOfStat(stat: string, boot: string): ProcessStatus | undefined {
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields[18];
  if (state === undefined || ticks === undefined || !/^\d+$/.test(ticks)) return undefined;
  return { startTime: `${boot}:${ticks}`, running: state !== "Z" && state !== "X" };
}

/** For systems without /proc; costs the start of a process. */
export function statusFromPs(pid: number): ProcessStatus | undefined {
  try {
    const line = execFileSync("ps", ["-p", String(pid), "-o", "stat=,lstart="], {
      encoding: "latin1",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    });
    const [, state = "", startTime = ""] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    return startTime === "" ? undefined : { startTime, running: !state.startsWith("Z") };
  } catch {
    return undefined; // ps exits with 1 where there is none
  }
}

/** Those that run and were started with an argument that has the text in it; this one is not among them. */
export function processesWithArgument(text: string, proc = PROC): readonly ProcessId[] {
  const pids = process.platform === "linux" ? pidsFromProc(text, proc) : pidsFromPs(text);
  return pids.flatMap((pid) => {
    const status = pid === process.pid ? undefined : processStatus(pid, proc);
    return status?.running ? [{ pid, startTime: status.startTime }] : [];
  });
}

function pidsFromProc(text: string, proc: string): readonly number[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => argumentsOf(`${proc}/${name}/cmdline`).includes(text))
    .map(Number);
}

/** Empty of one that has just ended, and of one that is another user's and hidden. */
function argumentsOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export function pidsFromPs(text: string): readonly number[] {
  try {
    const lines = execFileSync("ps", ["-A", "-ww", "-o", "pid=,args="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
      maxBuffer: PS_LIMIT_BYTES,
    });
    return lines
      .split("\n")
      .filter((line) => line.includes(text))
      .map((line) => Number.parseInt(line, 10));
  } catch {
    return [];
  }
}

/** Every process of a computer with all its arguments. */
const PS_LIMIT_BYTES = 64 * 2 ** 20;

/** A process and its start in ticks may both come again after a boot. This process lives through none, so it is read once. */
function bootId(proc: string): string {
  if (proc !== PROC) return readBootId(proc);
  ownBoot ??= readBootId(proc);
  return ownBoot;
}

let ownBoot: string | undefined;

function readBootId(proc: string): string {
  try {
    return readFileSync(`${proc}/sys/kernel/random/boot_id`, "latin1").trim();
  } catch {
    return "";
  }
}
