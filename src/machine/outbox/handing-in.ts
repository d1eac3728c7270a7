// The messages that came from one node for one contract: handed in order to a container of this node that serves it.
//
//   wake ──▶ the first that live ──▶ read from disk ──▶ a container ──▶ their functions have ended ──▶ gone
//              ▲                        └── none serves it: they wait      └── no answer: one by one, each MOST_TRIES times
//
// Invariants
//   H1. One delivery is under way at a time.
//   H2. A message is gone when its function has ended, well or not, or when no container can take it; a container that ends
//       in the midst of it gets it again, or another one does.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { DeliveryReply, DeliverySchema } from "../../messages/gen/unum/control/v1/governed_pb.ts";
import type { Item } from "../../outbox/box.ts";
import type { Place } from "../../outbox/segment-files.ts";
import type { Spool } from "../../outbox/spool.ts";
import { pause, remainingUs } from "./forwarding.ts";
import type { Tally } from "./tally.ts";

/** The way to a container of this node that serves the contract, the same one as long as it does; undefined where none does. */
export type WayIn = (contract: string) => Deliver | undefined;
export type Deliver = (delivery: MessageInitShape<typeof DeliverySchema>, ttlMs: number) => Promise<DeliveryReply>;

export interface HandingInParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly from: string;
  readonly contract: string;
  readonly spool: Spool;
  /** Names this spool's numbering: another one's numbers mean something else. */
  readonly queue: string;
  readonly tally: Tally;
  readonly wayIn: WayIn;
}

const DELIVERY = { items: 512, bytes: 2 ** 20 };
const ONE = { items: 1, bytes: 0 };
const DELIVER_TTL_MS = 600_000;
const AGAIN_MS = 100;
/** A container that has no room: it works. */
const NO_ROOM_MS = 10;
/** A message that the containers of so many tries ended with is not tried again. */
const MOST_TRIES = 3;

export class HandingIn {
  readonly #parts: HandingInParts;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  /** The message that was the first when a container ended, and how often. */
  #suspect = { sequence: 0, tries: 0 };

  constructor(parts: HandingInParts) {
    this.#parts = parts;
  }

  /** There may be something to hand in. */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { clock, log, contract, from } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const pauseMs = await this.#handIn();
        if (pauseMs === undefined) return;
        if (pauseMs > 0) await pause(clock, pauseMs, signal);
      } catch (error) {
        if (!(error instanceof Fault))
          log.write("error", `messages from ${from} for ${contract}: ${asError(error).stack}`);
        await pause(clock, AGAIN_MS, signal);
      }
    }
  }

  /** How long to wait before the next; undefined where nothing is left. */
  async #handIn(): Promise<number | undefined> {
    const { clock, spool, contract, queue, wayIn } = this.#parts;
    spool.purge();
    if (!spool.box.lanes.includes(contract)) return undefined;
    const deliver = wayIn(contract);
    if (deliver === undefined) return AGAIN_MS;
    const items = spool.take(contract, this.#suspect.tries > 0 ? ONE : DELIVERY);
    if (items.length === 0) return undefined;
    const done = new Set<number>();
    try {
      const messages = await spool.read(items);
      const now = clock.now();
      const delivery = {
        ...{ queue, ttlUs: BigInt(DELIVER_TTL_MS * 1_000) },
        items: items.map(({ sequence, expiresAt }, index) => ({
          number: BigInt(sequence),
          ttlUs: remainingUs(expiresAt, now),
          message: messages[index] ?? new Uint8Array(),
        })),
      };
      const reply = await deliver(delivery, DELIVER_TTL_MS).catch((error) => this.#noAnswer(items, done, error));
      if (reply === undefined) return AGAIN_MS;
      for (const { sequence } of items.slice(0, reply.settled)) done.add(sequence);
      this.#count(reply);
      if (reply.settled > 0) this.#suspect = { sequence: 0, tries: 0 };
      return reply.settled > 0 ? 0 : NO_ROOM_MS;
    } finally {
      spool.ended(contract, done);
    }
  }

  #count({ settled, failures }: DeliveryReply): void {
    const { tally, log, contract } = this.#parts;
    tally.passed += settled;
    for (const { code, message } of failures) {
      // The component had it and threw: that is an outcome, as it is of a call.
      if (code === "application" || code === "internal") continue;
      tally.passed--;
      if (code === "expired") tally.expired++;
      else {
        tally.failed++;
        log.write("warn", `a message for ${contract} cannot be taken by anybody: ${message}`);
      }
    }
  }

  /** Of which of them the container was working on is not known: from now on they are tried one by one. */
  #noAnswer(items: readonly Item<Place>[], done: Set<number>, error: unknown): undefined {
    const { tally, log, contract, from } = this.#parts;
    if (error instanceof Fault && error.started === "no") return;
    const sequence = items[0]?.sequence ?? 0;
    const tries = this.#suspect.sequence === sequence ? this.#suspect.tries + 1 : 1;
    this.#suspect = { sequence, tries };
    if (tries < MOST_TRIES || items.length > 1) return;
    done.add(sequence);
    tally.failed++;
    log.write(
      "error",
      `a message from ${from} for ${contract} is given up: its container ended ${tries} times in the midst of it`,
    );
  }
}
