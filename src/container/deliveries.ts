// Messages that were kept somewhere, handed in by this container's governor in order, each worked on as an ASYNC call.
//
//   delivery ──▶ the one before of its queue has ended ──▶ what was worked on already is passed over ──▶ the inbox, as far as
//   there is room, a few at a time ──▶ their functions end ──▶ how many, and which failed
//
// Invariants
//   D1. Of one queue messages enter the inbox in the order of their numbers, and one delivery's after the one's before.
//   D2. Under one number of a queue no function begins twice in this process.

import type { Clock } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import { decodeMessage } from "../messages/decode.ts";
import { blank, type Envelope, Kind, Mode } from "../messages/envelope.ts";
import type { Delivery, DeliveryItem } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { KeptMessageSchema } from "../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { Container } from "./container.ts";

interface Queue {
  busy: Promise<unknown>;
  /** The highest number whose function has ended, or that will never have one. */
  last: number;
}

interface Failure {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export interface Settled {
  readonly settled: number;
  readonly failures: readonly Failure[];
}

/** In the inbox at one time: so few that a slow function keeps nobody waiting long, once it is known to be slow. */
const MOST_AT_ONCE = 64;
/** No more of a delivery are begun after that; a window that took longer is followed by a smaller one. */
const BEGIN_FOR_MS = 500;
const QUICK_MS = 50;
/** Queues that are remembered; the oldest is forgotten for one more. */
const MOST_QUEUES = 10_000;
const LONGEST_MS = 2 ** 31;

export class Deliveries {
  readonly #container: Container;
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();
  #nextId = 1;

  constructor(container: Container, clock: Clock) {
    this.#container = container;
    this.#clock = clock;
  }

  /** `msLeft`: of the call that brought it. */
  take(delivery: Delivery, msLeft: number): Promise<Settled> {
    const queue = this.#queueOf(delivery.queue);
    const ageMs = Math.max(0, Number(delivery.ttlUs) / 1_000 - msLeft);
    const receivedAt = this.#clock.now() - ageMs;
    const turn = queue.busy.then(() => this.#work(queue, delivery.items, receivedAt));
    queue.busy = turn.catch(() => {});
    return turn;
  }

  async #work(queue: Queue, items: readonly DeliveryItem[], receivedAt: number): Promise<Settled> {
    const until = this.#clock.now() + BEGIN_FOR_MS;
    const failures: Failure[] = [];
    let at = items.findIndex(({ number }) => Number(number) > queue.last);
    if (at < 0) return { settled: items.length, failures };
    for (let size = 1; at < items.length && this.#clock.now() < until; ) {
      const began = this.#clock.now();
      const window = this.#begin(items, at, size, receivedAt);
      if (window.length === 0) break;
      const replies = await Promise.all(window);
      for (const { failure } of replies) {
        // Others behind it were refused as well: they wait for a place, or for another container.
        if (failure instanceof Fault && (failure.code === "undeliverable" || failure.code === "overloaded"))
          return { settled: at, failures };
        if (failure !== undefined) {
          const code = failure instanceof Fault ? failure.code : "application";
          failures.push({ index: at, code, message: failure.message.slice(0, 1_000) });
        }
        queue.last = Number(items[at]?.number ?? 0);
        at++;
      }
      size = this.#clock.now() - began < QUICK_MS ? Math.min(size * 2, MOST_AT_ONCE) : Math.max(1, size >> 1);
    }
    return { settled: at, failures };
  }

  /** Lets in as many as there is room for; all in one turn, so that nobody comes between (D1). */
  #begin(items: readonly DeliveryItem[], from: number, most: number, receivedAt: number): readonly Promise<Envelope>[] {
    const begun: Promise<Envelope>[] = [];
    for (let at = from; at < Math.min(items.length, from + most) && this.#container.load.free > 0; at++) {
      const item = items[at];
      if (item !== undefined) begun.push(this.#container.deliver(this.#envelopeOf(item, receivedAt)));
    }
    return begun;
  }

  #envelopeOf({ message, ttlUs }: DeliveryItem, receivedAt: number): Envelope {
    const call = blank(Kind.CALL, this.#nextId++);
    call.mode = Mode.ASYNC;
    call.deadline = receivedAt + (ttlUs === 0n ? LONGEST_MS : Math.min(Number(ttlUs) / 1_000, LONGEST_MS));
    try {
      const { to, value, meta, from, traceparent, id, owner, epoch } = decodeMessage(KeptMessageSchema, message);
      call.to = to;
      call.value = value;
      call.meta = meta;
      call.from = from;
      call.traceparent = traceparent;
      call.owner = owner;
      call.epoch = Number(epoch);
      // For the component to know it again; here it is not looked at.
      call.idempotencyKey = id;
    } catch (error) {
      // Refused as what it is: a call to nowhere.
      call.meta = { unreadable: asError(error).message };
    }
    return call;
  }

  #queueOf(name: string): Queue {
    const known = this.#queues.get(name) ?? { busy: Promise.resolve(), last: 0 };
    this.#queues.delete(name);
    this.#queues.set(name, known);
    const [oldest] = this.#queues.keys();
    if (this.#queues.size > MOST_QUEUES && oldest !== undefined) this.#queues.delete(oldest);
    return known;
  }
}
