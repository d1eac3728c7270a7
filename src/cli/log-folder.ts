// Where the processes of a node write their logs: $UNUM_HOME/log, by default .unum/log.

import { join, resolve } from "node:path";

export function logFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(resolve(environment["UNUM_HOME"] || ".unum"), "log");
}
