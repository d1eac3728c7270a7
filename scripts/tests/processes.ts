// The processes of this system, as /proc tells them. Elsewhere than on Linux: none.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export function processes(): readonly Process[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const process = /^\d+$/.test(name) ? processOf(Number(name)) : undefined;
    return process === undefined ? [] : [process];
  });
}

/** Children, their children and so on of `pid`, without itself. */
export function descendants(pid: number, all = processes()): readonly Process[] {
  const children = all.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...descendants(child.pid, all)]);
}

/** Where standard output leads (`socket:[123]`), which children that inherit it share; undefined where the process is gone. */
export function outputOf(pid: number): string | undefined {
  return descriptorOf(pid, 1);
}

/** Processes other than this that could still write to `output`. */
export function holdersOf(output: string, all = processes()): readonly Process[] {
  return all.filter(({ pid }) => pid !== process.pid && [1, 2].some((number) => descriptorOf(pid, number) === output));
}

/** SIGKILL to those that are still there. */
export function kill(gone: readonly Process[]): void {
  for (const { pid } of gone) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

export function lineOf({ pid, command }: Process): string {
  return `${pid} ${command.length > 200 ? `${command.slice(0, 200)}…` : command}`;
}

/** Undefined where it ended meanwhile. */
function processOf(pid: number): Process | undefined {
  try {
    // The second field is a name in parentheses, in which anything may stand: what follows the last of them is fields again.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), command };
  } catch {
    return undefined;
  }
}

function descriptorOf(pid: number, number: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${number}`);
  } catch {
    return undefined;
  }
}
