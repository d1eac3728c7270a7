// One direction of one connection: frames leave it in the order they entered, each after its own delay.
//
//   send ──▶ lost? ──▶ cut? ─ yes ─▶ held until healed ─┐
//                        └─ no ──▶ on the way ◀─────────┘ ──▶ arrived ──▶ seen before? ──▶ receiver
//
// Invariants
//   L1. Frames arrive in the order they were sent, or not at all.
//   L2. A frame is handed to the receiver once, however often the wire brings it.
//   L3. Nothing arrives once the connection is broken.

import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { type Conditions, drawDelay } from "./conditions.ts";
import type { MemoryProcess } from "./process.ts";

/** What became of frames; summed over the whole network. */
export interface FrameCounts {
  sent: number;
  arrived: number;
  /** Swallowed while the connection went on. */
  lost: number;
  /** Brought twice by the wire. */
  duplicated: number;
  /** Brought again and dropped by the receiving end. */
  seenBefore: number;
  /** Held because the way was cut. */
  held: number;
  /** On the way, or held, when the connection broke. */
  brokenOff: number;
}

/** Of one way; they only grow. */
export interface LinkCounts {
  entered: number;
  lost: number;
  duplicated: number;
  held: number;
  /** Arrived after what was sent later to the same process by another connection. */
  overtaken: number;
}

/** The way from one process to another, shared by the lanes of all connections between them. */
export interface Link {
  conditions: Conditions;
  /** What a message takes at least, as heartbeats have shown it in good times. */
  readonly leastMs: number;
  readonly counts: LinkCounts;
  /** Of everything that reached the process at its end. */
  readonly target: { newestSentAt: number };
  readonly lanes: Set<Lane>;
}

export interface Wire {
  readonly clock: Clock;
  readonly random: Random;
  readonly counts: FrameCounts;
}

/** Runs at the receiver. `ageMs`: how much longer than the least time the frame took. */
export type Arrive = (ageMs: number) => void;

interface Frame {
  readonly number: number;
  readonly sentAt: number;
  readonly arrive: Arrive;
}

export class Lane {
  readonly #wire: Wire;
  readonly #link: Link;
  readonly #to: MemoryProcess;
  #onWay: (Frame | undefined)[] = [];
  #onWayFirst = 0;
  #held: Frame[] = [];
  #nextNumber = 1;
  #lastSeen = 0;
  #lastArrival = 0;
  #broken = false;
  #ended = false;

  constructor(wire: Wire, link: Link, to: MemoryProcess) {
    this.#wire = wire;
    this.#link = link;
    this.#to = to;
    link.lanes.add(this);
  }

  get conditions(): Conditions {
    return this.#link.conditions;
  }

  get cut(): boolean {
    return this.#link.conditions.cut;
  }

  /** `certain`: part of the connection itself, which is not lost while that goes on. */
  send(arrive: Arrive, certain = false): void {
    const { random, counts, clock } = this.#wire;
    const link = this.#link;
    counts.sent++;
    if (this.#broken || this.#ended) {
      counts.brokenOff++;
      return;
    }
    link.counts.entered++;
    const { lossRate, duplicateRate } = link.conditions;
    const frame = { number: this.#nextNumber++, sentAt: clock.now(), arrive };
    if (lossRate > 0 && !certain && random.float() < lossRate) {
      counts.lost++;
      link.counts.lost++;
      return;
    }
    this.#enter(frame);
    if (duplicateRate > 0 && random.float() < duplicateRate) {
      counts.duplicated++;
      link.counts.duplicated++;
      this.#enter(frame);
    }
  }

  /** The way is open again. */
  heal(): void {
    const held = this.#held;
    this.#held = [];
    for (const frame of held) this.#enter(frame);
  }

  /** Nothing more is sent: what is on the way arrives, and then `told`, as the system of a computer sees to for a process that is gone. */
  end(told: Arrive): void {
    this.send(told, true);
    this.#ended = true;
    this.#link.lanes.delete(this);
  }

  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#wire.counts.brokenOff += this.#onWay.length - this.#onWayFirst + this.#held.length;
    this.#held = [];
    this.#link.lanes.delete(this);
  }

  #enter(frame: Frame): void {
    if (this.cut) {
      this.#wire.counts.held++;
      this.#link.counts.held++;
      this.#held.push(frame);
      return;
    }
    const { clock, random } = this.#wire;
    const now = clock.now();
    this.#lastArrival = Math.max(this.#lastArrival, now + drawDelay(this.#link.conditions, random));
    this.#onWay.push(frame);
    clock.after(this.#lastArrival - now, this.#arriveNext);
  }

  /** Each frame has its own timer, but whichever fires takes the first (L1). */
  readonly #arriveNext = (): void => {
    const frame = this.#onWay[this.#onWayFirst];
    this.#onWay[this.#onWayFirst++] = undefined;
    // Now and then, since a list that is emptied for every frame is made anew for every frame.
    if (this.#onWayFirst === this.#onWay.length && this.#onWayFirst >= 256) {
      this.#onWay = [];
      this.#onWayFirst = 0;
    }
    if (frame === undefined || this.#broken) return;
    if (this.#to.free) this.#hand(frame);
    else this.#to.deliver(() => this.#hand(frame));
  };

  #hand(frame: Frame): void {
    if (this.#broken) return;
    const { counts, clock } = this.#wire;
    if (frame.number <= this.#lastSeen) {
      counts.seenBefore++;
      return;
    }
    this.#lastSeen = frame.number;
    counts.arrived++;
    const { leastMs, target, counts: ofLink } = this.#link;
    if (frame.sentAt < target.newestSentAt) ofLink.overtaken++;
    else target.newestSentAt = frame.sentAt;
    frame.arrive(Math.max(0, clock.now() - frame.sentAt - leastMs));
  }
}
