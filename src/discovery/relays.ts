// Pings made for others: who asked, and what to tell them.

import type { DatagramAddress } from "../base/datagrams.ts";

interface Relay {
  readonly asker: DatagramAddress;
  readonly sequence: number;
  readonly nackAt: number;
  readonly endsAt: number;
  nacked: boolean;
}

/** More at a time are not taken: the asker counts it as a proxy it did not hear. */
const MOST = 128;

/** How long an answer is handed on, though the asker may have been told that there was none. */
const KEPT_MS = 5_000;

export class Relays {
  readonly #relays = new Map<number, Relay>();
  refused = 0;

  /** Whether there was a place. `nackAfterMs`: when the asker is told that no answer came. */
  add(own: number, of: { asker: DatagramAddress; sequence: number; nackAfterMs: number; now: number }): boolean {
    if (this.#relays.size >= MOST) this.#dropEnded(of.now);
    if (this.#relays.size >= MOST) {
      this.refused++;
      return false;
    }
    const { asker, sequence, nackAfterMs, now } = of;
    // Who waits for no answer waits for no nack either.
    this.#relays.set(own, {
      asker,
      sequence,
      nackAt: now + nackAfterMs,
      endsAt: now + KEPT_MS,
      nacked: sequence === 0,
    });
    return true;
  }

  /** Who is to hear of the answer with this sequence. */
  take(own: number): Relay | undefined {
    const relay = this.#relays.get(own);
    this.#relays.delete(own);
    return relay;
  }

  get dueAt(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const relay of this.#relays.values()) due = Math.min(due, relay.nacked ? relay.endsAt : relay.nackAt);
    return due;
  }

  /** Whom to tell now that no answer came. */
  advance(now: number): Relay[] {
    const due = [...this.#relays.values()].filter((relay) => !relay.nacked && relay.nackAt <= now);
    for (const relay of due) relay.nacked = true;
    this.#dropEnded(now);
    return due;
  }

  #dropEnded(now: number): void {
    for (const [own, relay] of this.#relays) if (relay.endsAt <= now) this.#relays.delete(own);
  }
}
