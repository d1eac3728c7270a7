// Where flows keep their runs, and where a run that is routed is spoken to.

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import type { Address } from "../../transports/transport.ts";
import { runFolder } from "../run-folder.ts";

/** $UNUM_HOME/flows. */
export function flowsFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(resolve(environment["UNUM_HOME"] || ".unum"), "flows");
}

/** Sockets of flows lie apart from those of containers that anybody may call. */
export function socketFolder(): string {
  return join(runFolder(), "flows");
}

/** Short, as a socket's path has little room. */
export function controlAddress(run: string): Address {
  return `ipc://${join(socketFolder(), createHash("sha256").update(run).digest("hex").slice(0, 16))}.sock`;
}
