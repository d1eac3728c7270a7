// When to compare tables, and with whom first: at once on joining, soon when an entry was announced that is too large for
// datagrams, and now and then in any case.
//
// What a comparison cost is paid off before the next one that only an announcement asks for, so that large entries that
// change often do not exceed the budget however many nodes announce them.

import type { Random } from "../base/random.ts";
import { type Content, compareContentVersion } from "./knowledge.ts";

type ContentVersion = Pick<Content, "incarnation" | "version">;

interface ScheduleSettings {
  readonly syncIntervalMs: number;
  readonly budgetBytesPerSecond: number;
}

/** Announcements that come together are fetched together. */
const GATHER_MS = 300;
/** After a failure, with somebody else. */
const RETRY_MS = 1_000;
/** After the first; then twice as long each time. Who joins while others join hears of some of them from nobody else. */
const YOUNG_MS = 1_000;
/** Of the budget. */
const SHARE = 0.25;
/** Announcements remembered; what is forgotten comes with the regular comparison. */
const MOST_WANTED = 256;

export class SyncSchedule {
  readonly #settings: ScheduleSettings;
  readonly #random: Random;
  #regularAt: number;
  #wantedAt = Number.POSITIVE_INFINITY;
  #paidOffAt: number;
  /** Whose entry is behind, by which version, and who announced it: he has it, or knows who has. */
  readonly #wanted = new Map<string, { readonly version: ContentVersion; readonly by: string }>();
  #running = false;
  #regularMs = YOUNG_MS;
  readonly counts = { done: 0, failed: 0 };

  constructor(settings: ScheduleSettings, random: Random, now: number) {
    this.#settings = settings;
    this.#random = random;
    this.#regularAt = now;
    this.#paidOffAt = now;
  }

  get dueAt(): number {
    return this.#running ? Number.POSITIVE_INFINITY : Math.min(this.#regularAt, this.#wantedAt);
  }

  /** Whether the announcement was not known. */
  want(id: string, version: ContentVersion, by: string, now: number): boolean {
    const known = this.#wanted.get(id);
    if (known !== undefined && compareContentVersion(known.version, version) >= 0) return false;
    if (known === undefined && this.#wanted.size >= MOST_WANTED) return false;
    this.#wanted.set(id, { version, by });
    const at = Math.max(now + GATHER_MS * (0.5 + this.#random.float()), this.#paidOffAt);
    this.#wantedAt = Math.min(this.#wantedAt, at);
    return true;
  }

  got(id: string, version: ContentVersion): void {
    const known = this.#wanted.get(id);
    if (known === undefined || compareContentVersion(known.version, version) > 0) return;
    this.#wanted.delete(id);
    if (this.#wanted.size === 0) this.#wantedAt = Number.POSITIVE_INFINITY;
  }

  /** The table may be old. */
  soon(now: number): void {
    this.#regularAt = Math.min(this.#regularAt, Math.max(now + GATHER_MS * this.#random.float(), this.#paidOffAt));
  }

  /** A comparison begins. Ids to prefer as the other side, the best first. */
  begin(): string[] {
    this.#running = true;
    return [...new Set(Array.from(this.#wanted.values(), ({ by }) => by))];
  }

  /** Nobody is there to compare with: at the next chance. */
  nobody(now: number): void {
    this.#running = false;
    this.#regularAt = now + RETRY_MS;
  }

  ended(of: { succeeded: boolean; bytes: number; now: number }): void {
    this.#running = false;
    const { now } = of;
    this.#paidOffAt = now + (of.bytes / (this.#settings.budgetBytesPerSecond * SHARE)) * 1000;
    if (of.succeeded) this.counts.done++;
    else this.counts.failed++;
    const wait = of.succeeded ? this.#regularMs : RETRY_MS;
    if (of.succeeded) this.#regularMs = Math.min(this.#settings.syncIntervalMs, this.#regularMs * 2);
    this.#regularAt = now + wait * (0.5 + this.#random.float());
    // What the other side did not have yet, it or somebody else will.
    this.#wantedAt = this.#wanted.size === 0 ? Number.POSITIVE_INFINITY : Math.max(now + RETRY_MS, this.#paidOffAt);
  }
}
