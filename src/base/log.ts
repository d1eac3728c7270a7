// What a process says about itself, for people and for machines.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** Never throws and never waits; what cannot be written is dropped and counted by the writer. */
  write(level: LogLevel, message: string, fields?: LogFields): void;
}

export const silentLog: Log = { write: () => {} };

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One JSON object a line: `{"at":ISO-8601,"level":…,"message":…,…fields}`. */
export function jsonLog(options: { wallNow: () => number; writeLine: (line: string) => void; least: LogLevel }): Log {
  return {
    write(level, message, fields) {
      if (ORDER[level] < ORDER[options.least]) return;
      options.writeLine(JSON.stringify({ at: new Date(options.wallNow()).toISOString(), level, message, ...fields }));
    },
  };
}
