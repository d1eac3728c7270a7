// What a container lets in, and out, of programs that have one owner each.
//
//   in   by an epoch below the newest that was seen ──▶ denied, and counted
//        for a program of its own whose owner its node is not, or not any more ──▶ undeliverable: another may be it
//   out  marked with its own epoch; nothing once its lease is over
//
// Invariants
//   F1. Nothing of an older epoch of a program is let in after something of a newer one was, or its governor named that.
//   F2. Of a program with one owner nothing begins, leaves, is stored or answered once its lease is over: by the monotonic clock,
//       which all processes of a computer share, or by the time of day, whichever says so first.
//   F3. A lease that is over is over: the container ends, and another one serves if its node is the owner again.

import type { Clock, Timer } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { OwnedProgram } from "../messages/gen/unum/control/v1/governed_pb.ts";

/** By what its components' calls are marked. */
export interface Mark {
  readonly owner: string;
  readonly epoch: number;
}

export interface Refused {
  readonly program: string;
  readonly epoch: number;
  readonly known: number;
  readonly to: string;
  count: number;
}

/** Programs whose epochs are remembered; the one that was seen least lately goes for one more. */
const MOST_PROGRAMS = 10_000;
/** Kinds of refusals that are told apart until they were told. */
const MOST_REFUSED = 32;

type Own =
  /** Of no program, or of one that runs everywhere. */
  | { readonly kind: "free" }
  /** Nothing was granted yet. */
  | { readonly kind: "waiting"; readonly program: string }
  | {
      readonly kind: "owner";
      readonly program: string;
      readonly epoch: number;
      readonly until: number;
      readonly wallUntil: number;
    }
  | { readonly kind: "over"; readonly program: string };

export class Fence {
  readonly #clock: Clock;
  readonly #over: () => void;
  readonly #known = new Map<string, number>();
  #own: Own = { kind: "free" };
  #refused: Refused[] = [];
  #end: Timer | undefined;

  /** `over`: told once, when its own lease is over. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Whether it is of a program with one owner. */
  get isOwned(): boolean {
    return this.#own.kind !== "free";
  }

  /** Undefined where its components' calls need none. */
  get mark(): Mark | undefined {
    const own = this.#own;
    return own.kind === "owner" ? { owner: own.program, epoch: own.epoch } : undefined;
  }

  /** Before anything of the program is loaded. */
  assigned(program: string): void {
    if (this.#own.kind === "free") this.#own = { kind: "waiting", program };
  }

  /** `ageMs`: how long this word was under way; so much of its leases is over. */
  hear(programs: readonly OwnedProgram[], ageMs: number): void {
    for (const { program, epoch, leaseUs } of programs) {
      this.#see(program, Number(epoch));
      const own = this.#own;
      if (own.kind === "free" || own.kind === "over" || own.program !== program) continue;
      if (own.kind === "owner" && Number(epoch) > own.epoch) this.#isOver(program);
      else if (leaseUs > 0n) this.#granted(program, Number(epoch), Number(leaseUs) / 1_000 - ageMs);
    }
  }

  /** Why nothing leaves, is stored or answered; undefined where it may. */
  get closed(): Fault | undefined {
    const own = this.#own;
    if (own.kind === "free") return undefined;
    if (own.kind === "owner") {
      const isIn = this.#clock.now() < own.until && this.#clock.wallNow() < own.wallUntil;
      if (isIn) return undefined;
      this.#isOver(own.program);
    }
    const why =
      own.kind === "waiting"
        ? "is not the owner yet"
        : "is not the owner any more: its keepers have not said so in time";
    return new Fault("undeliverable", `${own.program} runs on one node alone, and this one ${why}`);
  }

  /** Why a call is not let in, or does not begin; undefined where it may. */
  refusal({ owner, epoch, to }: Envelope): Fault | undefined {
    const closed = this.closed;
    if (closed !== undefined || owner === "") return closed;
    const known = this.#known.get(owner) ?? 0;
    if (epoch >= known) {
      this.#see(owner, epoch);
      return undefined;
    }
    this.#count({ program: owner, epoch, known, to });
    return new Fault(
      "denied",
      `${to}: done for ${owner} by the owner of epoch ${epoch}, and epoch ${known} is known; another node is the owner since`,
    );
  }

  /** What was refused since this was asked last. */
  takeRefused(): readonly Refused[] {
    const refused = this.#refused;
    this.#refused = [];
    return refused;
  }

  end(): void {
    this.#end?.cancel();
  }

  #granted(program: string, epoch: number, leaseMs: number): void {
    const now = this.#clock.now();
    const [until, wallUntil] = [now + leaseMs, this.#clock.wallNow() + leaseMs];
    const own = this.#own;
    if (leaseMs <= 0 || (own.kind === "owner" && this.closed !== undefined)) return;
    if (own.kind === "owner" && until <= own.until) return;
    this.#own = { kind: "owner", program, epoch, until, wallUntil };
    this.#end?.cancel();
    this.#end = this.#clock.at(until, () => void this.closed);
  }

  #isOver(program: string): void {
    this.#own = { kind: "over", program };
    this.#end?.cancel();
    this.#clock.soon(this.#over);
  }

  #see(program: string, epoch: number): void {
    const known = this.#known.get(program) ?? 0;
    if (known > 0) this.#known.delete(program);
    this.#known.set(program, Math.max(known, epoch));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_PROGRAMS && oldest !== undefined) this.#known.delete(oldest);
  }

  #count({ program, epoch, known, to }: Omit<Refused, "count">): void {
    const same = this.#refused.find((each) => each.program === program && each.epoch === epoch);
    if (same !== undefined) same.count++;
    else if (this.#refused.length < MOST_REFUSED) this.#refused.push({ program, epoch, known, to, count: 1 });
  }
}
