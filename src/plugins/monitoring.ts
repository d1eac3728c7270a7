// The kinds `logging` and `monitoring`: what a process says, does and measures, handed to whoever wants to know.

import type { LogFields, LogLevel } from "../base/log.ts";
import type { CallWatch } from "../messages/watch.ts";
import type { Family } from "./figures/family.ts";

export interface Logging {
  /** Every line of this process, also those its own log leaves out. Not called for what it logs itself. */
  write(level: LogLevel, message: string, fields?: LogFields): void;
  close?(): void | Promise<void>;
}

export interface Monitoring {
  /** Told of calls: in a container of those that reach it and of those its components make. */
  readonly watch?: CallWatch;
  /** In a container: what it has measured so far, for the governor that asks. */
  figures?(): readonly Family[];
  close?(): void | Promise<void>;
}
