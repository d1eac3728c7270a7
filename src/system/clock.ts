// Node's time as a Clock: every timer of the process on one timer of Node.
//
// Like Node's own, timers keep the process alive until they have fired or are cancelled.
// Invariants
//   C1. Node's timer is armed for the first of ours, whenever there is one; or, where that is far, for so little later that the
//       process need not wake twice.
//   C2. Node's timer is referenced exactly while there is one of ours. An armed timer is kept when the last of ours is
//       cancelled, since the next call brings the next deadline: referencing costs a thirtieth of arming.
//   C3. What was asked for `soon` runs before any timer, also where Node takes timers first.

// The global `performance` is a getter, and every call reads the time more than once.
import { performance } from "node:perf_hooks";
import type { Clock, Timer } from "../base/clock.ts";
import { TimerWheel } from "../base/timer-wheel.ts";

/** What Node waits for at most in one timer. */
const LONGEST_MS = 2 ** 31 - 1;
/** Node counts whole ms from when its turn began, which is before now: it would wake, find that it is too early, and wait for one ms more. */
const TURN_MS = 2;
const FAR_MS = 20;

class SystemClock implements Clock {
  readonly #wheel = new TimerWheel(Math.floor(performance.now()), () => this.#armed?.unref());
  #armed: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #soon: (() => void)[] = [];

  now(): number {
    return performance.now();
  }

  wallNow(): number {
    return Date.now();
  }

  after(ms: number, fire: () => void): Timer {
    return this.at(performance.now() + Math.max(ms, 0), fire);
  }

  at(deadline: number, fire: () => void): Timer {
    if (this.#wheel.size === 0) this.#armed?.ref();
    const tick = Math.ceil(deadline);
    const timer = this.#wheel.insert(tick, fire);
    if (tick < this.#armedFor) this.#arm(tick);
    return timer;
  }

  soon(fire: () => void): void {
    if (this.#soon.push(fire) === 1) setImmediate(this.#runSoon);
  }

  #arm(tick: number): void {
    if (this.#armed !== undefined) clearTimeout(this.#armed);
    this.#armedFor = tick;
    const ms = Math.ceil(tick - performance.now());
    this.#armed = setTimeout(this.#runDue, Math.min(LONGEST_MS, Math.max(0, ms + (ms > FAR_MS ? TURN_MS : 0))));
  }

  readonly #runDue = (): void => {
    this.#armed = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    try {
      this.#runSoon(); // C3
      const now = Math.floor(performance.now());
      for (let due = this.#wheel.take(now); due !== undefined; due = this.#wheel.take(now)) due.fire();
    } finally {
      // Also when one threw: the others are not lost with it.
      const next = this.#wheel.next();
      if (next < this.#armedFor) this.#arm(next);
    }
  };

  readonly #runSoon = (): void => {
    const batch = this.#soon;
    if (batch.length === 0) return;
    this.#soon = [];
    let done = 0;
    try {
      while (done < batch.length) batch[done++]?.();
    } finally {
      if (done < batch.length) this.#soon = [...batch.slice(done), ...this.#soon];
      if (this.#soon.length > 0) setImmediate(this.#runSoon);
    }
  };
}

/** One for a process; all its parts share it. */
export function systemClock(): Clock {
  return new SystemClock();
}
