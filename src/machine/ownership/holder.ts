// What a node does that is a program's owner: it asks the keepers again and again whether it still is, and knows until when.
//
//   record names this node ──▶ asks every keeper ──more than half──▶ lease ──▶ runs ──not renewed──▶ over: ends
//                                   └── give up ──▶ ends what runs ──▶ nothing is left ──▶ says so: the next one may begin
//
// Invariants
//   H1. A node takes itself for the owner no longer than it was granted by more than half of the keepers, counted from when it asked.
//   H2. Who said that nothing is left asks for that epoch no more.

import type { Clock, Timer } from "../../base/clock.ts";
import type { HoldReply, HoldRequest } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { leaseMsOf } from "./ballot.ts";
import { isInForce, type Lease, leaseFrom, majorityOf } from "./lease.ts";
import type { OwnedProgram } from "./owned-program.ts";
import type { Owner } from "./ownership.ts";

export interface HolderParts {
  readonly clock: Clock;
  readonly node: string;
  readonly programs: () => readonly OwnedProgram[];
  readonly owner: (program: string) => Owner | undefined;
  /** Whether anything of it runs here, or ends. */
  readonly isLeft: (program: string) => boolean;
  readonly ask: (
    keeper: string,
    request: Omit<HoldRequest, "$typeName" | "$unknown">,
  ) => Promise<Omit<HoldReply, "$typeName" | "$unknown">>;
  /** A lease began, was renewed, or ended. */
  readonly changed: () => void;
}

/** What a node may of a program that has one owner. */
export type Standing =
  /** `until`: on this process's monotonic clock; undefined before it was granted, while what it had before may still run. */
  | { readonly kind: "here"; readonly epoch: number; readonly until: number | undefined }
  | { readonly kind: "elsewhere"; readonly why: string };

/** Asked so often that a lost answer or two end no lease. */
const ASKED_IN_A_LEASE = 6;
/** How long it may take until keepers that are there have granted; what an earlier governor left runs on meanwhile. */
const TAKE_UP_MS = 5_000;
const RELEASE_EVERY_MS = 1_000;

interface Held {
  readonly epoch: number;
  readonly since: number;
  readonly granted: Map<string, Lease>;
  readonly askedAt: Map<string, number>;
  readonly giveUps: Set<string>;
  readonly heardRelease: Set<string>;
  gaveUp: boolean;
  released: boolean;
  hadLease: boolean;
  end: Timer | undefined;
}

export class Holder {
  readonly #parts: HolderParts;
  readonly #held = new Map<string, Held>();
  #isClosed = false;

  constructor(parts: HolderParts) {
    this.#parts = parts;
  }

  /** To be called again and again. */
  look(): void {
    for (const owned of this.#parts.programs()) {
      const owner = this.#parts.owner(owned.program);
      if (owner?.node === this.#parts.node) this.#lookAt(owned, this.#heldOf(owned.program, owner.epoch));
      else this.#forget(owned.program);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const program of [...this.#held.keys()]) this.#forget(program);
  }

  standing({ program, keepers }: OwnedProgram): Standing {
    const { owner, node, clock } = this.#parts;
    const named = owner(program);
    if (named === undefined) return { kind: "elsewhere", why: "its keepers have not voted for an owner yet" };
    if (named.node !== node) return { kind: "elsewhere", why: "" };
    const held = this.#heldOf(program, named.epoch);
    const { epoch, gaveUp, hadLease, since } = held;
    if (gaveUp) return { kind: "elsewhere", why: "it gives its place up to another node" };
    const lease = leaseFrom(held.granted, keepers);
    if (isInForce(lease, { now: clock.now(), wallNow: clock.wallNow() }))
      return { kind: "here", epoch, until: lease?.until };
    if (!hadLease && clock.now() < since + TAKE_UP_MS) return { kind: "here", epoch, until: undefined };
    const why = `epoch ${epoch} is not in force here: fewer than ${majorityOf(keepers.length)} of ${keepers.length} keepers say so`;
    return { kind: "elsewhere", why };
  }

  /** Until when this node is the program's owner, whether or not it is to end it: what runs may end in time. */
  leaseOf({ program, keepers }: OwnedProgram): number | undefined {
    const { owner, node, clock } = this.#parts;
    const held = this.#held.get(program);
    if (held === undefined || held.released || owner(program)?.node !== node) return undefined;
    const lease = leaseFrom(held.granted, keepers);
    return isInForce(lease, { now: clock.now(), wallNow: clock.wallNow() }) ? lease?.until : undefined;
  }

  #lookAt(owned: OwnedProgram, held: Held): void {
    const { clock, isLeft } = this.#parts;
    const { running, program, keepers, afterMs } = owned;
    const ends = !running || held.gaveUp;
    if (ends && !isLeft(program)) {
      if (!running && held.granted.size === 0 && !held.gaveUp) return;
      held.released = true; // H2
      held.gaveUp = true;
      for (const keeper of keepers)
        if (!held.heardRelease.has(keeper)) this.#ask(owned, held, keeper, RELEASE_EVERY_MS);
      return;
    }
    if (held.gaveUp) return;
    const everyMs = leaseMsOf(afterMs) / ASKED_IN_A_LEASE;
    const isInTime = (keeper: string) => clock.now() < (held.askedAt.get(keeper) ?? Number.NEGATIVE_INFINITY) + everyMs;
    for (const keeper of keepers) if (!isInTime(keeper)) this.#ask(owned, held, keeper, everyMs);
  }

  #ask(owned: OwnedProgram, held: Held, keeper: string, everyMs: number): void {
    const { clock, node, ask } = this.#parts;
    const { program, afterMs } = owned;
    const { epoch, released: release } = held;
    const [at, leaseMs] = [clock.now(), leaseMsOf(afterMs)];
    const lease = { until: at + leaseMs, wallUntil: clock.wallNow() + leaseMs };
    if (at < (held.askedAt.get(keeper) ?? Number.NEGATIVE_INFINITY) + everyMs) return;
    held.askedAt.set(keeper, at);
    ask(keeper, { node, program, epoch: BigInt(epoch), leaseMs, release }).then(
      ({ granted, giveUp }) => {
        if (this.#held.get(program) !== held || this.#isClosed) return;
        if (release) return void held.heardRelease.add(keeper);
        if (giveUp) this.#giveUp(owned, held, keeper);
        else if (granted) this.#granted(owned, held, keeper, lease);
      },
      // It is away, which is normal: it is asked again.
      () => {},
    );
  }

  #granted(owned: OwnedProgram, held: Held, keeper: string, asked: Lease): void {
    const { clock, changed } = this.#parts;
    if (held.released || (held.granted.get(keeper)?.until ?? Number.NEGATIVE_INFINITY) >= asked.until) return;
    held.giveUps.delete(keeper);
    held.granted.set(keeper, asked);
    const lease = leaseFrom(held.granted, owned.keepers);
    if (lease === undefined || lease.until <= clock.now()) return;
    held.hadLease = true;
    held.end?.cancel();
    held.end = clock.at(lease.until, changed);
    changed();
  }

  #giveUp({ keepers }: OwnedProgram, held: Held, keeper: string): void {
    held.giveUps.add(keeper);
    if (held.gaveUp || held.giveUps.size < majorityOf(keepers.length)) return;
    held.gaveUp = true;
    this.#parts.changed();
  }

  #heldOf(program: string, epoch: number): Held {
    const present = this.#held.get(program);
    if (present?.epoch === epoch) return present;
    present?.end?.cancel();
    const held: Held = {
      ...{ epoch, since: this.#parts.clock.now(), granted: new Map(), askedAt: new Map(), giveUps: new Set() },
      ...{ heardRelease: new Set(), gaveUp: false, released: false, hadLease: false, end: undefined },
    };
    this.#held.set(program, held);
    return held;
  }

  #forget(program: string): void {
    this.#held.get(program)?.end?.cancel();
    this.#held.delete(program);
  }
}
