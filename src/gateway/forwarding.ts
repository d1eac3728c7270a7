// One direction through a gateway: a call that came in on one side is asked on the other, as its caller would have asked there.
//
//   this side ── request ──▶ fit? ──▶ exchange: the other side's directory, one round ──▶ reply ──▶ this side
//             ── MORE, CANCEL ──▶ to whoever took the call
//
// Invariants
//   F1. What goes on has no longer to live, no wider scope and no more rights than what came in; its path is longer by this gateway.
//   F2. A call passes a gateway once: in whatever circle machines stand, it comes to its end.
//   F3. Every request gets one reply. What is under way, and what is remembered of a call, is bounded, and ends with its time.
//   F4. Only a call whose scope is anywhere goes on; a BROADCAST is for those on its own side.

import type { Clock, Timer } from "../base/clock.ts";
import { ApplicationError, Fault } from "../base/fault.ts";
import type { Random } from "../base/random.ts";
import { Exchange, type ExchangeParts } from "../client/exchange.ts";
import type { Finder } from "../client/finder.ts";
import { type Envelope, HOP_LIMIT, Kind, Mode, refuse, replyTo, Scope } from "../messages/envelope.ts";
import { PendingReply, readReply } from "../transports/pending-reply.ts";
import type { Address, Transport } from "../transports/transport.ts";

export interface ForwardingParts {
  readonly env: { readonly clock: Clock; readonly random: Random };
  /** What its path is marked with: the same for both directions of a gateway, and no other gateway's. */
  readonly mark: string;
  /** To the other side. Not closed here. */
  readonly transport: Transport;
  /** Of the other side. */
  readonly finder: Finder;
  /** Calls under way at a time; one more is refused with `overloaded`. */
  readonly limit: number;
  /** Told of a contract that found no place on the other side. */
  readonly lacking: (request: Envelope) => void;
}

/** A call of which more may be asked: where it runs. */
interface Route {
  readonly address: Address;
  readonly timer: Timer;
}

export class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #exchange: ExchangeParts;
  readonly #underWay = new Map<string, Exchange>();
  readonly #routes = new Map<string, Route>();

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    this.#exchange = {
      clock: parts.env.clock,
      random: parts.env.random,
      transport: parts.transport,
      finder: parts.finder,
      open: new Map(),
      // No exchange here has time to wait for capacity: who calls waits, and asks again.
      demand: async () => ({ addresses: [], ring: undefined, reason: "a gateway does not wait" }),
      settled: () => {},
    };
  }

  /** Calls that may still be begun. */
  get free(): number {
    return Math.max(0, this.#parts.limit - this.#underWay.size);
  }

  /** Always answers; a failure travels inside. */
  readonly receive = (request: Envelope): Promise<Envelope> => {
    if (request.kind === Kind.CANCEL) return Promise.resolve(this.#cancel(request));
    const fault = this.#unfit(request);
    if (fault !== undefined) return Promise.resolve(refuse(request, fault));
    return request.kind === Kind.MORE ? this.#more(request) : this.#call(request);
  };

  /** Ends what is under way with a refusal that lets the caller ask elsewhere, or says that nothing is known. */
  close(): void {
    for (const exchange of [...this.#underWay.values()])
      exchange.cancel(new Fault("unknown", "the gateway has closed"));
    for (const { timer } of this.#routes.values()) timer.cancel();
    this.#routes.clear();
  }

  #unfit(request: Envelope): Fault | undefined {
    const { mark, env } = this.#parts;
    const { to, from, hops, scope, mode, deadline } = request;
    if (deadline <= env.clock.now())
      return new Fault("expired", `${to} reached gateway ${mark} after its time to live`);
    if (scope !== Scope.ANYWHERE) return new Fault("denied", `${to}: its scope ends before gateway ${mark}`); // F4
    if (mode === Mode.BROADCAST) return new Fault("denied", `${to} is for all on its own side of gateway ${mark}`);
    if (hops >= HOP_LIMIT) return new Fault("cycle", `${to} was handed on ${hops} times, the limit is ${HOP_LIMIT}`);
    if (from.includes(mark)) return new Fault("undeliverable", `${to} has passed gateway ${mark} already`); // F2
    return undefined;
  }

  #call(request: Envelope): Promise<Envelope> {
    const { mark, limit, env } = this.#parts;
    if (this.#underWay.size >= limit || this.#routes.size >= limit) {
      const why = `${this.#underWay.size} calls are under way through gateway ${mark}, the limit is ${limit}`;
      return Promise.resolve(refuse(request, new Fault("overloaded", why)));
    }
    const key = keyOf(request);
    const pending = new PendingReply();
    const over = () => this.#underWay.delete(key);
    let settled = false;
    const exchange = new Exchange(
      this.#exchange,
      this.#onwards(request),
      { now: env.clock.now(), only: undefined, withinMs: 0 },
      {
        replied: (reply, address) => {
          settled = true;
          over();
          if (this.#hasMore(request, reply)) this.#remember(key, address, request.deadline);
          pending.resolve(this.#back(reply));
        },
        failed: (failure) => {
          settled = true;
          over();
          const known = failure instanceof Fault || failure instanceof ApplicationError;
          const fault = known ? failure : new Fault("internal", failure.message, { cause: failure });
          if (fault instanceof Fault && fault.retry === "elsewhere") this.#parts.lacking(request);
          pending.resolve(refuse(request, fault));
        },
      },
    );
    // Where nobody could be asked it has failed before it was there.
    if (!settled) this.#underWay.set(key, exchange);
    return pending;
  }

  #more(request: Envelope): Promise<Envelope> {
    const { mark, transport } = this.#parts;
    const key = keyOf(request);
    const route = this.#routes.get(key);
    const lost = (why: string) => refuse(request, new Fault("unknown", `what follows of ${request.to}: ${why}`));
    if (route === undefined) return Promise.resolve(lost(`gateway ${mark} knows of no such call any more`));
    const reply = transport.send(route.address, this.#onwards(request));
    if (reply === undefined) return Promise.resolve(lost(`no transport serves ${route.address}`));
    const pending = new PendingReply();
    readReply(reply, {
      replied: (answer) => {
        if (request.mode !== Mode.STREAM || answer.last) this.#forget(key);
        pending.resolve(this.#back(answer));
      },
      failed: (failure) => {
        this.#forget(key);
        pending.resolve(lost(failure.message));
      },
    });
    return pending;
  }

  #cancel(request: Envelope): Envelope {
    const key = keyOf(request);
    this.#underWay.get(key)?.cancel(new Fault("cancelled", `${request.to} was withdrawn by its caller`));
    const route = this.#routes.get(key);
    if (route !== undefined) {
      this.#parts.transport.send(route.address, this.#onwards(request))?.catch(() => {});
      this.#forget(key);
    }
    return replyTo(request);
  }

  /**
   * F1. Its end stands on this process's clock, so that the time it spends here is taken from it. Whose owner it is done for is
   * said of a program of this side: the other side may have one of that name.
   */
  #onwards(request: Envelope): Envelope {
    const from = [...request.from, this.#parts.mark];
    return { ...request, from, hops: request.hops + 1, owner: "", epoch: 0, prefer: undefined };
  }

  #back(reply: Envelope): Envelope {
    return { ...reply, from: [...reply.from, this.#parts.mark], credit: Math.min(reply.credit, this.free) };
  }

  #hasMore(request: Envelope, reply: Envelope): boolean {
    return (request.mode === Mode.STREAM && !reply.last) || (request.mode === Mode.ASYNC && request.credit > 0);
  }

  #remember(key: string, address: Address, deadline: number): void {
    const timer = this.#parts.env.clock.at(deadline, () => this.#routes.delete(key));
    this.#routes.set(key, { address, timer });
  }

  #forget(key: string): void {
    this.#routes.get(key)?.timer.cancel();
    this.#routes.delete(key);
  }
}

/** A call's id is unique among those of who made it, however many gateways it passed. */
function keyOf({ from, id }: Envelope): string {
  return `${from[0] ?? ""}/${id}`;
}
