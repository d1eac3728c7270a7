// Results of ASYNC calls, kept until they are asked for or their time to live ends.
//
// Invariants
//   I1. At most `limit` are kept; there is no place for one more.
//   I2. A result is handed out once.
//   I3. Who asked for it is told when it will not come.

import type { Clock, Timer } from "../base/clock.ts";
import type { Envelope } from "../messages/envelope.ts";

interface Kept {
  reply: Envelope | undefined;
  deliver: ((reply: Envelope) => void) | undefined;
  lost: (() => void) | undefined;
  timer: Timer;
}

export class Results {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #kept = new Map<string, Kept>();
  readonly #changed: () => void;

  /** `changed` is told whenever one is gone. */
  constructor(clock: Clock, limit: number, changed: () => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#changed = changed;
  }

  get size(): number {
    return this.#kept.size;
  }

  get limit(): number {
    return this.#limit;
  }

  get full(): boolean {
    return this.#kept.size >= this.#limit;
  }

  /** Makes the place for a result that will come. */
  expect(key: string, deadline: number): void {
    const timer = this.#clock.after(deadline - this.#clock.now(), () => this.forget(key));
    this.#kept.set(key, { reply: undefined, deliver: undefined, lost: undefined, timer });
  }

  settle(key: string, reply: Envelope): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    if (kept.deliver === undefined) kept.reply = reply;
    else {
      this.#drop(key);
      kept.deliver(reply);
    }
  }

  /** `waits`: it is expected, and `deliver` gets it when it comes, or else `lost` runs. `nothing`: neither kept nor expected. */
  take(key: string, deliver: (reply: Envelope) => void, lost: () => void): "taken" | "waits" | "nothing" {
    const kept = this.#kept.get(key);
    if (kept === undefined) return "nothing";
    if (kept.reply === undefined) {
      kept.lost?.();
      kept.deliver = deliver;
      kept.lost = lost;
      return "waits";
    }
    this.#drop(key);
    deliver(kept.reply);
    return "taken";
  }

  /** Nobody will have it. */
  forget(key: string): void {
    const lost = this.#kept.get(key)?.lost;
    this.#drop(key);
    lost?.();
  }

  #drop(key: string): void {
    this.#kept.get(key)?.timer.cancel();
    if (this.#kept.delete(key)) this.#changed();
  }
}
