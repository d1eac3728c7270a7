// What a turn starts: new code one container at a time, those that serve up to their number, warm ones in reserve, and
// what callers wait for.

import type { Clock } from "../base/clock.ts";
import type { Deciding } from "./deciding.ts";
import { endsForAnother } from "./decisions/first-place.ts";
import type { Member } from "./decisions/members.ts";
import { RESERVE_POLICY, reserve } from "./decisions/reserve.ts";
import { type Room, startable } from "./decisions/room.ts";
import type { Demands } from "./demands.ts";
import type { Fleet } from "./fleet.ts";
import type { Kept } from "./kept.ts";
import type { OwnLimits } from "./own-limits.ts";
import type { Served } from "./served.ts";
import type { ServedList } from "./served-list.ts";
import type { Telling } from "./telling.ts";

export interface FillingParts {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly served: ServedList;
  readonly own: OwnLimits;
  readonly deciding: Deciding;
  readonly demands: Demands;
  readonly telling: Telling;
  readonly graceMs: number;
  /** How long one has nothing to do before it is ended. */
  readonly idleMs: number;
  /** Something was started. */
  readonly changed: () => void;
  readonly tell: () => void;
  readonly drainOne: (id: string, graceMs: number, reason: string) => Promise<number> | undefined;
}

/** How long clients may take to hear of a container that has come to serve: they ask a door four times a second. */
const HEARD_MS = 500;

export class Filling {
  readonly #parts: FillingParts;
  /** Starts are held back until then: the last one could not be. */
  #notBefore = 0;

  constructor(parts: FillingParts) {
    this.#parts = parts;
  }

  /** Nothing is started for so long. */
  holdBack(ms: number): void {
    this.#notBefore = this.#now + ms;
  }

  get room(): Room {
    const { fleet, own } = this.#parts;
    return fleet.room(own.allowed, own.limits.node.memoryBytes);
  }

  replace(served: Served): void {
    // What a step says comes once: it is not asked for while it could not be done.
    if (this.#parts.fleet.isSpawning) return;
    const { replacing } = served;
    const tooOften = served.givenUp(this.#now);
    if (tooOften !== undefined && replacing.isUnderWay) replacing.fail(tooOften);
    const own = served.own(this.#parts.fleet.all);
    const spares = this.#parts.fleet.all.filter(({ digest }) => digest === "");
    const others = this.#parts.fleet.all.length - own.length - spares.length;
    const step = replacing.step([...own, ...spares], this.#parts.own.allowed - others);
    const { code } = replacing;
    if (step === undefined || code === undefined) return;
    const named = "id" in step ? this.#parts.fleet.get(step.id) : undefined;
    switch (step.kind) {
      case "start": {
        // A warm one is there sooner than a new one.
        const spare = spares.find(({ state }) => state === "spare");
        if (spare !== undefined) void this.#parts.fleet.give(spare, served.name, code);
        else if (this.#parts.fleet.unassigned === 0 && this.#now >= this.#notBefore)
          void this.#parts.fleet.spawn().then(() => this.#parts.changed());
        return;
      }
      case "use-spare":
        if (named !== undefined) void this.#parts.fleet.give(named, served.name, code);
        return;
      case "drain":
        // Who comes in by a door has first to hear of those that stand in for it.
        this.#parts.tell();
        if (this.#now - this.#parts.telling.changedAt < HEARD_MS) return;
        if (named !== undefined) void this.#parts.fleet.drain(named, this.#parts.graceMs, "replaced by new code");
        return;
      case "halted":
        served.halted();
        for (const id of step.end) {
          const kept = this.#parts.fleet.get(id);
          if (kept !== undefined) void this.#parts.fleet.drain(kept, 0, "its code did not pass");
        }
        return;
      case "done":
        served.replaced(this.#parts.fleet.all);
    }
  }

  /** Brings those that serve to their number: warm ones first, then new ones. */
  fill(): void {
    const now = this.#now;
    let unmet = 0;
    // What has none comes before what would have one more.
    const none = new Set(this.#parts.served.all.filter((served) => this.#hasNone(served)));
    for (const served of [...none, ...this.#parts.served.all.filter((each) => !none.has(each))]) {
      served.target = this.#parts.deciding.serving(
        served,
        this.#parts.fleet.all,
        this.#parts.own.limits.node.containers,
      );
      for (let left = served.missing(this.#parts.fleet.all, now); left > 0; left--) {
        const spare = this.#parts.fleet.all.find(({ state }) => state === "spare");
        if (spare === undefined) unmet++;
        else void this.#parts.fleet.give(spare, served.name, served.code);
      }
    }
    if (now < this.#notBefore) return;
    const more = Math.min(unmet - this.#parts.fleet.unassigned, startable(this.room).count);
    for (let left = more; left > 0; left--) void this.#parts.fleet.spawn().then(() => this.#parts.changed());
    this.#makeRoom(none, now);
  }

  /** What should serve and has no container gets the place of one that others stand in for: callers had it started. */
  #makeRoom(none: ReadonlySet<Served>, now: number): void {
    const { fleet, served, deciding, graceMs } = this.#parts;
    // What could not be served before takes nobody's place.
    const waiting = [...none].find((each) => each.missing(fleet.all, now) > 0 && each.problems(now).length === 0);
    if (waiting === undefined) return;
    const ends = endsForAnother({
      ...{ room: this.room, unassigned: fleet.unassigned },
      holders: served.all.map((each) => ({
        members: each
          .own(fleet.all)
          .flatMap((kept) => (kept.probed && kept.suspected === undefined ? [kept.member] : [])),
        isReplacing: each.replacing.isUnderWay,
      })),
      mayStop: ({ id }) => deciding.mayStop(fleet.get(id)),
    });
    if (ends !== undefined) void this.#parts.drainOne(ends.id, graceMs, `it makes room for ${waiting.text}`);
  }

  #hasNone(served: Served): boolean {
    return served.own(this.#parts.fleet.all).every(({ state }) => state === "draining");
  }

  keepReserve(now: number): void {
    const held = this.#parts.served.all.some((served) => served.isHeldBack(now));
    if (this.#parts.served.isReplacing || held || now < this.#notBefore) return;
    const { unassigned, lastChangeAt } = this.#parts.fleet;
    const missing = this.#parts.served.all.reduce((sum, served) => sum + served.missing(this.#parts.fleet.all, now), 0);
    const sparesComing = Math.max(0, unassigned - missing);
    const { spares, containers } = this.#parts.own.limits.node;
    const { idleMs } = this.#parts;
    const policy = {
      ...RESERVE_POLICY,
      // Who ends the idle sooner does not mind the coming and going.
      ...{ idleMs, settleMs: Math.min(RESERVE_POLICY.settleMs, idleMs) },
      spares: this.#parts.deciding.spares(this.#parts.fleet.all, containers, spares),
    };
    const mayStop = ({ id }: Member) => this.#parts.deciding.mayStop(this.#parts.fleet.get(id));
    const action = reserve({ room: this.room, sparesComing, lastChangeAt, now, mayStop }, policy);
    if (action.kind === "start-spares") {
      for (let i = 0; i < action.count; i++) void this.#parts.fleet.spawn().then(() => this.#parts.changed());
    }
    if (action.kind === "stop") void this.#parts.drainOne(action.id, this.#parts.graceMs, action.reason);
  }

  answerDemands(now: number): void {
    if (this.#parts.demands.size === 0) return;
    const wanted = this.#parts.demands.answer(this.#callable(now), this.#parts.served.judge(now));
    if (wanted.length === 0) return;
    const { coming } = this.#parts.fleet;
    const { count, reason } = startable(this.room);
    const more = Math.min(wanted.length - coming, this.#parts.fleet.count("spare") + count);
    if (more > 0) {
      for (const served of new Set(wanted)) {
        const there = served
          .own(this.#parts.fleet.all)
          .filter(({ state }) => state === "serving" || state === "starting");
        const own = wanted.filter((each) => each === served).length;
        served.target = Math.max(served.target, there.length + Math.min(own, more));
      }
      this.fill();
    } else if (coming === 0) this.#parts.demands.refuse(reason);
  }

  #callable(now: number): readonly Kept[] {
    const { fleet, served } = this.#parts;
    return fleet.all.filter((kept) => served.actsBy(kept, fleet.epochs, now) !== undefined);
  }

  get #now(): number {
    return this.#parts.clock.now();
  }
}
