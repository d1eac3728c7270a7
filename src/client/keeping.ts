// A durable send: the own node is asked to keep a message until it says that it has it on its disk.
//
//   ask ──▶ kept
//    └────▶ may have been kept (its governor ended meanwhile) ──pause──▶ ask again, under the same id ──▶ kept, once
//
// Invariants
//   K1. However often the node is asked, all that it is asked for one send has one id, and it keeps one message under it.
//   K2. What the node certainly did not keep is not asked for again, unless an earlier question may have been.

import { type Clock, sleep } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Address } from "../transports/transport.ts";
import type { Answer } from "./item-stream.ts";

export interface KeepingParts {
  readonly clock: Clock;
  /** The message's own. */
  readonly id: string;
  /** Of the message, in ms; 0: without end. It counts from now. */
  readonly ttlMs: number;
  /** On the clock: nobody waits any longer. */
  readonly until: number;
  readonly signal: AbortSignal | undefined;
  /** Of the node, asked each time: it may have another governor. */
  readonly door: () => Address;
  /** One question. `ttlMs`: of the message, what is left of it. */
  readonly ask: (door: Address, ttlMs: number, waitMs: number) => Promise<Answer>;
}

const AGAIN_MS = 100;

/** Rejects with `unknown`, which names the id, where the message may have been kept. */
export async function kept({ clock, id, ttlMs, until, signal, door, ask }: KeepingParts): Promise<Answer> {
  const began = clock.now();
  let maybe: Fault | undefined;
  for (;;) {
    const now = clock.now();
    const left = ttlMs === 0 ? 0 : ttlMs - (now - began);
    if (maybe !== undefined && (now >= until || left < 0)) throw unknown(maybe, id);
    try {
      return await ask(door(), left, Math.max(1, until - now));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === "unknown") maybe = error;
      // What was withdrawn is, and what another question may have brought about is not known.
      else if (maybe === undefined || error.code === "cancelled" || error.code === "denied") throw error;
    }
    await sleep(clock, AGAIN_MS, signal).catch(() => {
      throw unknown(maybe ?? new Fault("unknown", "it was withdrawn"), id);
    });
  }
}

function unknown(cause: Fault, id: string): Fault {
  return new Fault(
    "unknown",
    `${cause.message}; it may have been kept: sent again with the idempotencyKey '${id}' it is kept once`,
    { cause },
  );
}
