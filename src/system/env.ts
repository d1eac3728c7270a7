// The world as Node gives it, for processes that are not simulated.

import type { Env } from "../base/env.ts";
import { jsonLog, type LogLevel, silentLog } from "../base/log.ts";
import { systemClock } from "./clock.ts";
import { systemNetwork } from "./network.ts";
import { systemRandom } from "./random.ts";

/** One for a process. `log`: the least level written to stderr, one JSON object a line; nothing by default. */
export function systemEnv(options: { log?: LogLevel } = {}): Env {
  const clock = systemClock();
  return {
    clock,
    random: systemRandom(),
    network: systemNetwork(),
    log: options.log === undefined ? silentLog : stderrLog(clock.wallNow, options.log),
  };
}

function stderrLog(wallNow: () => number, least: LogLevel) {
  return jsonLog({ wallNow, writeLine: (line) => process.stderr.write(`${line}\n`), least });
}
