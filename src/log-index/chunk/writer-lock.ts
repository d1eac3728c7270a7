// One writer for a chunk at a time, whatever happens to it: a file that names the process.

import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { diskFull, isDiskFull } from "./disk-full.ts";
import { isMissing } from "./manifest.ts";

/** Answers how to give it back. `overloaded` while another process writes. */
export function lockWriter(folder: string): () => void {
  const path = join(folder, "writer.lock");
  const own = `${process.pid} ${startOf(process.pid)}`;
  for (let tries = 0; tries < 3; tries++) {
    try {
      const fd = openSync(path, "wx");
      try {
        writeSync(fd, own);
      } finally {
        closeSync(fd);
      }
      return () => remove(path);
    } catch (error) {
      if (isDiskFull(error)) {
        remove(path);
        throw diskFull(folder, error);
      }
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const holder = read(path);
    if (holder !== undefined && holder !== "" && isRunning(holder))
      throw new Fault(
        "overloaded",
        `process ${holder.split(" ")[0]} writes to ${folder}; wait until it has ended, or end it`,
      );
    remove(path);
  }
  throw new Fault("overloaded", `another process took ${path} again and again; try later`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isRunning(holder: string): boolean {
  const [pid = "", start = ""] = holder.split(" ");
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  // The number may have been given to another process since.
  return start === startOf(Number(pid));
}

/** When a process started, as Linux tells it; "" elsewhere. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? "";
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
