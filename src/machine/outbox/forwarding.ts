// The messages that this node keeps for one other: handed over in order, as soon as it answers.
//
//   wake ──▶ the first that live ──▶ read from disk ──▶ HandOver ──▶ on the other's disk ──▶ gone here
//              ▲                                          └── no answer: again after a pause
//
// Invariants
//   F1. One bundle is under way at a time: so they arrive in order, and memory holds one.
//   F2. A message is gone here only when the other has said that it has it; it passes over what it has.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Clock, sleep } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { BundleReceipt, BundleSchema } from "../../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { Spool } from "../../outbox/spool.ts";
import type { Tally } from "./tally.ts";

export interface ForwardingParts {
  readonly clock: Clock;
  readonly log: Log;
  /** This node. */
  readonly from: string;
  readonly to: string;
  readonly spool: Spool;
  readonly tally: Tally;
  /** Asks the other node. Rejects with a Fault where it does not answer, at once where nobody knows its door. */
  readonly handOver: (bundle: MessageInitShape<typeof BundleSchema>, ttlMs: number) => Promise<BundleReceipt>;
}

/** Of one bundle. */
export const BUNDLE = { items: 1_024, bytes: 2 ** 20 };
const HAND_OVER_TTL_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** All that a node keeps for another is one lane: what a contract cannot take yet is told apart where it arrives. */
export const OUTWARD = "";

export class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #closing = new AbortController();
  #wake: () => void = () => {};
  #isAwake = true;
  /** What the other has, as it said; undefined where it is to be asked first: it may be away, or have more than is known here. */
  #has: bigint | undefined;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    void this.#run();
  }

  /** There is something to hand over. */
  wake(): void {
    this.#isAwake = true;
    this.#wake();
  }

  close(): void {
    this.#closing.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { clock, log, to } = this.#parts;
    const { signal } = this.#closing;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      this.#isAwake = false;
      try {
        const moved = await this.#handOver();
        if (moved === "all") pauseMs = FIRST_PAUSE_MS;
        else if (moved === "nothing") await this.#awake();
        else await pause(clock, LONGEST_PAUSE_MS / 4, signal);
      } catch (error) {
        // It is away, which is normal.
        this.#has = undefined;
        if (!(error instanceof Fault)) log.write("error", `outbox for ${to}: ${asError(error).stack}`);
        await pause(clock, pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async #handOver(): Promise<"all" | "some" | "nothing"> {
    const { clock, from, spool, tally, handOver } = this.#parts;
    spool.purge();
    if (spool.box.items === 0) return "nothing";
    const asked = { from, stream: spool.stream, ttlUs: BigInt(HAND_OVER_TTL_MS * 1_000) };
    this.#has ??= (await handOver(asked, HAND_OVER_TTL_MS)).upTo;
    const items = spool.take(OUTWARD, BUNDLE);
    const done = new Set<number>();
    try {
      for (const { sequence } of items) if (BigInt(sequence) <= this.#has) done.add(sequence);
      if (done.size > 0 || items.length === 0) return "all";
      const messages = await spool.read(items);
      const now = clock.now();
      const bundle = {
        ...asked,
        items: items.map(({ sequence, expiresAt, key }, index) => ({
          number: BigInt(sequence),
          ttlUs: remainingUs(expiresAt, now),
          supersede: key,
          message: messages[index] ?? new Uint8Array(),
        })),
      };
      const { upTo, full } = await handOver(bundle, HAND_OVER_TTL_MS);
      for (const { sequence } of items) if (BigInt(sequence) <= upTo) done.add(sequence);
      this.#has = upTo;
      return full ? "some" : "all";
    } finally {
      tally.passed += done.size;
      spool.ended(OUTWARD, done);
    }
  }

  #awake(): Promise<void> {
    if (this.#isAwake || this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** At least 1: 0 is without end. */
export function remainingUs(expiresAt: number, now: number): bigint {
  return expiresAt === Number.POSITIVE_INFINITY ? 0n : BigInt(Math.max(1, Math.floor((expiresAt - now) * 1_000)));
}

/** Ends early, without a word, when the signal aborts. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await sleep(clock, ms, signal).catch(() => {});
}
