// Whose loop turns: each container's signs of life are judged, and what follows is done.
//
//   silent ──▶ suspected, its note is read ──▶ past what it said ──▶ its note is read again ──▶ still so ──▶ killed
//
// Invariants
//   W1. Nothing is killed by a note that was read before it was to be killed: a function that called another one has meanwhile
//       perhaps said something else.

import type { Clock } from "../base/clock.ts";
import type { Deciding } from "./deciding.ts";
import { type Health, healthOf } from "./decisions/health.ts";
import type { Events } from "./events.ts";
import type { Fleet } from "./fleet.ts";
import type { Kept } from "./kept.ts";

export interface HealthWatchParts {
  readonly clock: Clock;
  readonly events: Events;
  readonly fleet: Pick<Fleet, "all" | "note">;
  readonly deciding: Deciding;
  /** More is known of one of them. */
  readonly changed: () => void;
}

/** How long a disk may take to give a note before it is done without. */
const NOTE_MS = 2_000;

export class HealthWatch {
  readonly #parts: HealthWatchParts;
  readonly #startedAt: number;
  /** Those that are to be killed, and since when; `isRead`: their notes have been read since. */
  readonly #condemned = new Map<Kept, { readonly at: number; isRead: boolean }>();
  readonly #killed = new WeakSet<Kept>();
  /** Those whose notes could not be read since they were suspected. */
  readonly #guessed = new WeakSet<Kept>();

  constructor(parts: HealthWatchParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  /** `awakeSince`: silence before that speaks against nobody. */
  check(now: number, awakeSince: number): void {
    const { fleet, events, deciding } = this.#parts;
    for (const kept of this.#condemned.keys()) if (!fleet.all.includes(kept)) this.#condemned.delete(kept);
    for (const kept of fleet.all) {
      const health = this.#sure(kept, healthOf(kept.signs, { now, awakeSince }), now);
      const decided = deciding.health(kept, health);
      if (decided.kind === "kill") {
        if (!this.#killed.has(kept)) events.say("error", `container ${kept.id} is killed: ${decided.reason}`);
        this.#killed.add(kept);
        kept.kill();
      } else if (decided.kind === "suspected") {
        if (kept.suspected === undefined) {
          events.say("warn", `container ${kept.id} is suspected: ${decided.reason}`);
          void this.#readNote(kept);
        }
        kept.suspected = decided.reason;
      } else if (kept.suspected !== undefined) {
        events.say("info", `container ${kept.id} answers again`);
        kept.suspected = undefined;
        this.#guessed.delete(kept);
      }
    }
  }

  /** W1 */
  #sure(kept: Kept, health: Health, now: number): Health {
    if (health.kind !== "kill") {
      this.#condemned.delete(kept);
      return health;
    }
    const known = this.#condemned.get(kept);
    if (known !== undefined && (known.isRead || now - known.at >= NOTE_MS)) return health;
    if (known === undefined) {
      const condemned = { at: now, isRead: false };
      this.#condemned.set(kept, condemned);
      void this.#readNote(kept, condemned);
    }
    return { kind: "suspected", reason: health.reason, killAt: now };
  }

  /** What a blocked loop has said of itself before. */
  async #readNote(kept: Kept, condemned?: { isRead: boolean }): Promise<void> {
    const { clock, fleet, changed } = this.#parts;
    const { began, endedAtWallMs, isWhole } = await fleet.note(kept);
    const [now, wall] = [clock.now(), clock.wallNow()];
    // Late, never early: the wall clock may have jumped.
    const known = (atWallMs: number) => Math.min(now, Math.max(now - (wall - atWallMs), this.#startedAt));
    const said = began.map(({ component, atWallMs, budgetMs }) => ({ component, at: known(atWallMs), budgetMs }));
    if (isWhole) {
      kept.began = said;
      kept.lastEndedAt = endedAtWallMs === 0 ? undefined : known(endedAtWallMs);
      this.#guessed.delete(kept);
    } else if (!this.#guessed.has(kept)) {
      // It has said something that cannot be read, as on a full disk: whatever it serves may have begun just now. Once, or it
      // would never end.
      kept.began = [{ component: "something in it", at: now, budgetMs: kept.budgetMs }];
      this.#guessed.add(kept);
    }
    if (condemned !== undefined) condemned.isRead = true;
    changed();
  }
}
