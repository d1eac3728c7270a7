// The idempotency window: one key, one outcome, for as long as the call that brought it may live.
//
// Invariants
//   I1. While a key is held, its function runs at most once in this container.
//   I2. Only outcomes of calls that were started are held: what was refused may be tried again. Who joined a call that
//       was refused (late, withdrawn by its own caller) has not had its own turn yet, and gets it.
//   I3. At most `limit` keys are held, and at most as many joiners; there is no place for one more.

import type { Clock, Timer } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Envelope } from "../messages/envelope.ts";

/** A call that waits for the outcome of another one with its key. */
export interface Joiner {
  readonly caller: string;
  readonly done: (reply: Envelope) => void;
  /** The other one was not started. */
  readonly again: () => void;
}

interface Held {
  reply: Envelope | undefined;
  waiting: Joiner[];
  timer: Timer | undefined;
}

export class Once {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #held = new Map<string, Held>();
  /** The key each joiner waits for. */
  readonly #joined = new Map<string, string>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * `joined`: the key is known, and the joiner gets its outcome. `new`: it is held from now on; say its outcome with `settle`.
   * `full`: there is no place for it, or for one more joiner.
   */
  join(key: string, joiner: Joiner): "joined" | "new" | "full" {
    const held = this.#held.get(key);
    if (held === undefined) {
      if (this.#held.size >= this.#limit) return "full";
      this.#held.set(key, { reply: undefined, waiting: [], timer: undefined });
      return "new";
    }
    if (held.reply === undefined) {
      if (this.#joined.size >= this.#limit) return "full";
      held.waiting.push(joiner);
      this.#joined.set(joiner.caller, key);
    } else joiner.done(held.reply);
    return "joined";
  }

  settle(key: string, reply: Envelope, deadline: number): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const failure = reply.failure;
    const isRefused = failure instanceof Fault && failure.started !== "yes";
    if (isRefused) this.#held.delete(key);
    else {
      held.reply = reply;
      held.timer = this.#clock.after(deadline - this.#clock.now(), () => this.#held.delete(key));
    }
    for (const { caller, done, again } of held.waiting.splice(0)) {
      this.#joined.delete(caller);
      if (isRefused) again();
      else done(reply);
    }
  }

  /** The joiner's caller no longer wants it: it is answered with `reply`. */
  withdraw(caller: string, reply: () => Envelope): void {
    const held = this.#held.get(this.#joined.get(caller) ?? "");
    this.#joined.delete(caller);
    if (held === undefined) return;
    const withdrawn = held.waiting.filter((joiner) => joiner.caller === caller);
    held.waiting = held.waiting.filter((joiner) => joiner.caller !== caller);
    for (const { done } of withdrawn) done(reply());
  }

  /** The container is closing: nobody will ask again, and a key's timer must not keep the process. */
  forgetAll(): void {
    for (const { timer } of this.#held.values()) timer?.cancel();
    this.#held.clear();
  }
}
