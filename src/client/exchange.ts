// One call, from its first attempt to its one outcome.
//
//   attempt ──▶ reply ───────────────────────────────▶ outcome
//      ▲  └───▶ refused: next address, or wait ──┐
//      └────────────────────────────────────────┘
//   deadline, cancel ─────────────────────────────▶ outcome
//
// Invariants
//   I1. There is exactly one outcome, and it comes by the deadline.
//   I2. Once an attempt's fate is unknown, no later refusal hides that: the outcome is a value, the component's error or `unknown`.
//   I3. A call that may have been started is sent again only with an idempotency key.

import type { Clock, Timer } from "../base/clock.ts";
import { ApplicationError, asError, Fault, type FaultCode } from "../base/fault.ts";
import type { Random } from "../base/random.ts";
import type { Demand } from "../capacity/demands.ts";
import {
  again,
  answered,
  type Climb,
  granted,
  nextMove,
  type Offers,
  type Ring,
  refused,
  startClimb,
  type TrailEntry,
} from "../capacity/rings.ts";
import { cancelOf, type Envelope } from "../messages/envelope.ts";
import { type ReplyReader, readReply } from "../transports/pending-reply.ts";
import type { Address, Transport } from "../transports/transport.ts";
import type { Finder } from "./finder.ts";

/** Who waits for the outcome: told one of the two, once. */
export interface Waiting {
  /** `tried`: who was asked before, in order; empty where the first address answered. */
  replied(reply: Envelope, address: Address, tried: readonly TrailEntry[]): void;
  failed(failure: Error): void;
}

export interface ExchangeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly finder: Finder;
  /** The caller's unanswered calls by address, kept by its exchanges; now and then none at one. */
  readonly open: Map<Address, number>;
  /** Asks a node for capacity for this request. */
  demand(demand: Demand, request: Envelope, withinMs: number): Promise<Granted>;
  /** Told of every outcome. */
  settled(): void;
}

/** What a node gave; no addresses where it gave nothing, with why. */
export interface Granted {
  readonly addresses: readonly Address[];
  readonly ring: Ring | undefined;
  readonly reason: string;
}

export interface ExchangeOptions {
  readonly now: number;
  /** The only address to ask; undefined: what the finder answers. */
  readonly only: Address | undefined;
  /** How long refusals for want of capacity are asked again. */
  readonly withinMs: number;
}

/** Which refusal tells the caller most, where several addresses refused. */
const TELLING: Partial<Record<FaultCode, number>> = { overloaded: 3, undeliverable: 2, "not-found": 1 };

/** Addresses without unanswered calls are forgotten above so many. */
const KEPT_ADDRESSES = 64;

export class Exchange implements ReplyReader {
  readonly #parts: ExchangeParts;
  readonly #request: Envelope;
  readonly #only: Address | undefined;
  readonly #capacityBy: number;
  readonly #startedAt: number;
  readonly #waiting: Waiting;
  readonly #timer: Timer;
  #pause: Timer | undefined;
  /** Asked in this round. */
  #asked: Set<Address> | undefined;
  /** Where an attempt is under way. */
  #asking: Address | undefined;
  #askedAt: number;
  /** Begun with the first refusal: most calls need none. */
  #climb: Climb | undefined;
  #refusal: Fault | undefined;
  /** Of the round before: what to say where a round has asked nobody. */
  #earlierRefusal: Fault | undefined;
  #maybeStarted: Fault | undefined;
  #settled = false;

  /** `now` is this moment on the clock, which the caller has just read. Sends at once. Where nothing can be asked, who waits is told before the constructor ends. */
  constructor(parts: ExchangeParts, request: Envelope, { now, only, withinMs }: ExchangeOptions, waiting: Waiting) {
    this.#parts = parts;
    this.#request = request;
    this.#only = only;
    this.#startedAt = now;
    this.#askedAt = now;
    this.#capacityBy = Math.min(this.#startedAt + withinMs, request.deadline);
    this.#waiting = waiting;
    this.#timer = parts.clock.at(request.deadline, () => this.#onDeadline());
    this.#startRound();
  }

  /** Withdraws the call: the container is told, and the outcome is this fault. */
  cancel(fault: Fault): void {
    if (!this.#settled) this.#withdraw(fault);
  }

  #startRound(): void {
    const address = this.#only ?? this.#parts.finder.next(this.#request, NOBODY_YET, this.#parts.open);
    if (address !== undefined) return this.#ask(address);
    this.#refusal = new Fault("undeliverable", `no address is known for ${this.#request.to}`);
    this.#climbOn(this.#climbSoFar());
  }

  /** Asks the next, asks for capacity, waits or gives up. */
  #climbOn(soFar: Climb): void {
    const { clock, random } = this.#parts;
    if (this.#only !== undefined) return this.#fail(this.#maybeStarted ?? this.#refusal ?? this.#late());
    const { move, climb } = nextMove({ ...soFar, until: this.#until }, this.#offers(), clock.now(), random.float());
    this.#climb = climb;
    switch (move.kind) {
      case "ask":
        return this.#ask(move.candidate.address);
      case "demand":
        return void this.#demand(move.demand, move.withinMs);
      case "wait":
        this.#pause = clock.after(move.ms, () => {
          this.#asked = undefined;
          this.#earlierRefusal = this.#refusal ?? this.#earlierRefusal;
          this.#refusal = undefined;
          this.#climbOn(again(climb));
        });
        return;
      case "give-up":
        return this.#fail(this.#maybeStarted ?? this.#refusalWith(move.reason));
    }
  }

  /** How long this call goes on looking: for want of capacity within the time given; where it must be known what became of it, to its end. */
  get #until(): number {
    const sentAgain = this.#request.idempotencyKey !== "";
    const mustKnow = sentAgain && (this.#maybeStarted !== undefined || this.#refusal?.code === "undeliverable");
    return mustKnow ? this.#request.deadline : this.#capacityBy;
  }

  #offers(): Offers {
    const { finder, open } = this.#parts;
    const tried = this.#asked ?? NOBODY_YET;
    if (finder.offers !== undefined) return finder.offers(this.#request, tried, open);
    const candidate = () => {
      const address = finder.next(this.#request, tried, open);
      return address === undefined ? undefined : { ring: "network" as const, address };
    };
    return { candidate, demands: () => [] };
  }

  #climbSoFar(): Climb {
    return this.#climb ?? startClimb(this.#startedAt, this.#capacityBy - this.#startedAt);
  }

  async #demand(demand: Demand, withinMs: number): Promise<void> {
    let answer: Granted;
    try {
      answer = await this.#parts.demand(demand, this.#request, withinMs);
    } catch (error) {
      answer = { addresses: [], ring: undefined, reason: asError(error).message };
    }
    if (this.#settled) return;
    const now = this.#parts.clock.now();
    const { addresses, ring, reason } = answer;
    const climb = this.#climbSoFar();
    if (addresses.length === 0) return this.#climbOn(refused(climb, now, "overloaded", reason));
    // What was just given may have refused before it was free.
    for (const address of addresses) this.#asked?.delete(address);
    this.#climbOn(granted(climb, now, addresses, ring));
  }

  #refusalWith(reason: string): Fault {
    const refusal = this.#refusal ?? this.#earlierRefusal ?? this.#late();
    if (this.#capacityBy <= this.#startedAt) return refusal;
    return new Fault(refusal.code, `${refusal.message}; ${reason}`, { cause: refusal });
  }

  #ask(address: Address): void {
    this.#asking = address;
    if (this.#climb !== undefined) this.#askedAt = this.#parts.clock.now();
    const { open } = this.#parts;
    open.set(address, (open.get(address) ?? 0) + 1);
    const reply = this.#parts.transport.send(address, this.#request);
    if (reply === undefined) {
      return this.#refused(new Fault("undeliverable", `no transport serves ${address}`));
    }
    readReply(reply, this);
  }

  /** Of the attempt that is under way: the next one follows the answer to the one before. */
  replied(reply: Envelope): void {
    if (this.#settled) return;
    const failure = reply.failure;
    if (failure === undefined) {
      const address = this.#asking ?? "";
      this.#settle();
      const climb = this.#climb;
      this.#waiting.replied(reply, address, climb === undefined ? NOBODY : answered(climb, this.#parts.clock.now()));
    } else if (failure instanceof ApplicationError) this.#fail(failure);
    else this.#refused(failure);
  }

  failed(error: Error): void {
    if (this.#settled) return;
    this.#refused(
      error instanceof Fault ? error : new Fault("unknown", `sending failed: ${error.message}`, { cause: error }),
    );
  }

  #refused(fault: Fault): void {
    const address = this.#asking ?? "";
    const now = this.#parts.clock.now();
    this.#askingEnded();
    this.#asked ??= new Set();
    this.#asked.add(address);
    const asked = {
      kind: "candidate",
      candidate: { ring: this.#ringOf(address), address },
      since: this.#askedAt,
    } as const;
    const climb = refused({ ...this.#climbSoFar(), asked }, now, fault.code, fault.message);
    this.#climb = climb;
    if (fault.started === "maybe") this.#maybeStarted = fault;
    if (fault.retry === "elsewhere") {
      if ((TELLING[fault.code] ?? 0) >= (TELLING[this.#refusal?.code ?? "internal"] ?? 0)) this.#refusal = fault;
      return this.#climbOn(climb);
    }
    if (fault.code === "unknown" && this.#request.idempotencyKey !== "") return this.#climbOn(climb);
    this.#fail(this.#maybeStarted ?? fault);
  }

  #ringOf(address: Address): Ring {
    const asked = this.#climb?.asked;
    return asked?.kind === "candidate" ? asked.candidate.ring : (this.#parts.finder.ringOf?.(address) ?? "network");
  }

  #onDeadline(): void {
    if (!this.#settled) this.#withdraw(this.#maybeStarted ?? this.#late());
  }

  #late(): Fault {
    const ttlMs = Math.round(this.#request.deadline - this.#startedAt);
    if (this.#asking !== undefined) {
      return new Fault(
        "unknown",
        `${this.#request.to} was sent to ${this.#asking} and did not answer within its ${ttlMs} ms; it may have run. Raise ttlMs, or give an idempotencyKey to have it sent again`,
      );
    }
    const last = this.#climb?.trail.at(-1);
    const why = last === undefined ? "" : `; ${last.at} last answered '${last.end}'`;
    return new Fault("expired", `${this.#request.to} found no place within its ${ttlMs} ms${why}`);
  }

  /** The outcome stands before the container is told: it may answer the call itself while it is. */
  #withdraw(fault: Fault): void {
    const asking = this.#asking;
    this.#settle();
    if (asking !== undefined) this.#parts.transport.send(asking, cancelOf(this.#request))?.catch(() => {});
    this.#waiting.failed(fault);
  }

  #fail(error: Error): void {
    this.#settle();
    this.#waiting.failed(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#timer.cancel();
    this.#pause?.cancel();
    this.#askingEnded();
    this.#parts.settled();
  }

  #askingEnded(): void {
    if (this.#asking === undefined) return;
    const { open } = this.#parts;
    const calls = (open.get(this.#asking) ?? 0) - 1;
    // Kept at 0 while there are few: a Map whose keys come and go with each call is rehashed again and again.
    if (calls > 0 || open.size <= KEPT_ADDRESSES) open.set(this.#asking, calls);
    else open.delete(this.#asking);
    this.#asking = undefined;
  }
}

const NOBODY_YET: ReadonlySet<Address> = new Set();
const NOBODY: readonly TrailEntry[] = [];
