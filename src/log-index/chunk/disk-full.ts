// A disk without room: what was written before stays, so it is said as what it is and no more.

import { Fault } from "../../base/fault.ts";

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

export function diskFull(path: string, cause: unknown): Fault {
  return new Fault(
    "overloaded",
    `the disk of ${path} is full; make room and run it again: what was written before stays, and reading goes on where it stopped`,
    { cause },
  );
}
