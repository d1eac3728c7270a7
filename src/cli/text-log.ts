// The log for people: one line each, to standard error.

import type { Log, LogLevel } from "../base/log.ts";
import type { Terminal } from "./terminal.ts";

const COLOURS = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;
const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function textLog(terminal: Terminal, least: LogLevel): Log {
  return {
    write(level, message, fields = {}) {
      if (ORDER.indexOf(level) < ORDER.indexOf(least)) return;
      const named = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      const time = new Date().toISOString().slice(11, 19);
      terminal.say([terminal.tint(COLOURS[level], level), time, message, ...named].join(" "));
    },
  };
}
