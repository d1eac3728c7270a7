// For threads and processes of components: `--import unum/lending` lets them import "unum", as components do.

import { type ChildProcess, fork } from "node:child_process";
import { lendOwnPackages } from "./own-packages.ts";

lendOwnPackages();

/**
 * A process of a component's own that can import "unum". Messages travel as structured clones, both ways. It goes on when this
 * process ends, unless it heeds `disconnect`.
 */
export function forkLent(program: string, args: readonly string[]): ChildProcess {
  return fork(program, args, {
    serialization: "advanced",
    // A process has none of this one's hooks.
    execArgv: [...process.execArgv, "--import", import.meta.url],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}
