// What happened on a node lately, for people: kept for `status`, and written to the log.

import type { Clock } from "../base/clock.ts";
import type { Log, LogFields, LogLevel } from "../base/log.ts";

export interface NodeEvent {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly text: string;
}

const KEPT = 64;

export class Events {
  readonly #clock: Clock;
  readonly #log: Log;
  #kept: NodeEvent[] = [];

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Oldest first. */
  get recent(): readonly NodeEvent[] {
    return this.#kept;
  }

  say(level: LogLevel, text: string, fields?: LogFields): void {
    this.#log.write(level, text, fields);
    this.#kept.push({ atMs: this.#clock.wallNow(), level, text });
    if (this.#kept.length > KEPT) this.#kept = this.#kept.slice(-KEPT);
  }
}
