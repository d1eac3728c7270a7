// What is refused may be asked for as often as somebody likes; the audit log must not grow by it. The first refusals of a
// minute are written one by one, those after them counted, and the counts written when the minute is over.
//
// Invariants
//   B1. What was done is written, always, and before it is answered.
//   B2. In one minute at most EACH refusals of one key, and ALL of all keys, are written one by one; the rest are counted.

import type { Clock, Timer } from "../../base/clock.ts";
import type { AuditEntry, AuditLog } from "./audit-log.ts";

export type Noted = Pick<AuditEntry, "who" | "what" | "verdict" | "why">;

const MINUTE_MS = 60_000;
const EACH = 10;
const ALL = 100;
/** Keys whose refusals are counted by name. */
const MOST_KEYS = 50;
const OTHERS = "others";

export class BoundedAudit {
  readonly #log: AuditLog;
  readonly #clock: Clock;
  #written = 0;
  #byKey = new Map<string, { written: number; counted: number; last: Noted }>();
  #timer: Timer | undefined;

  constructor(log: AuditLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Settles when it is on disk; at once where it is only counted. */
  async write(entry: Noted): Promise<void> {
    if (entry.verdict === "done") return this.#log.write(entry);
    this.#timer ??= this.#clock.after(MINUTE_MS, () => void this.#endMinute());
    const known = this.#byKey.has(entry.who) || this.#byKey.size < MOST_KEYS ? entry.who : OTHERS;
    const of = this.#byKey.get(known) ?? { written: 0, counted: 0, last: entry };
    this.#byKey.set(known, of);
    of.last = entry;
    if (of.written >= EACH || this.#written >= ALL) {
      of.counted++;
      return;
    }
    of.written++;
    this.#written++;
    await this.#log.write(entry);
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#endMinute();
  }

  async #endMinute(): Promise<void> {
    const minute = this.#byKey;
    this.#byKey = new Map();
    this.#written = 0;
    this.#timer = undefined;
    for (const [who, { counted, last }] of minute) {
      if (counted === 0) continue;
      const why = `and ${counted} more within a minute, the last: ${last.why}`;
      await this.#log.write({ who, what: last.what, verdict: "refused", why }).catch(() => {});
    }
  }
}
