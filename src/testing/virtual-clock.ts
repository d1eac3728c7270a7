// Time that passes when it is told to, as fast as there is work: the same program, the same order, every run.
//
//   advance ──▶ event ──▶ all microtasks it caused ──▶ next event ──▶ … ──▶ time is up
//
// Invariants
//   V1. Events run in the order of (time, the moment they were asked for); what was asked for `soon` before any timer.
//   V2. Between two events every microtask has run: an event is a turn of the event loop of its own.
//   V3. Time stands still during an event.
//
// What is simulated must do its waiting on this clock or in promises: threads, sockets and files do not know virtual time. What
// waits for turns of Node's own loop, as reading a zip does, takes as many events as turns, where each event has a round of its own.
// Written for the machine: bench/simulator.ts counts on millions of events a second.

import type { Clock, Timer } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { TimerWheel } from "../base/timer-wheel.ts";

/** A power of two, so that times and their differences are exact. */
const TICKS_PER_MS = 64;

/** Immediates asked of Node at once: each is a turn, and a round through Node's loop is paid once for all of them. */
const MOST_TURNS = 64;

/** Ten thousand days; ticks stay exact far beyond. */
const LONGEST_MS = 864_000_000_000;

/** Shown by `wallNow` at time 0: 2024-01-01T00:00:00Z. */
const WALL_START_MS = 1_704_067_200_000;

interface Run {
  readonly untilTick: number;
  readonly done: (() => boolean) | undefined;
  readonly settle: (reached: boolean) => void;
  readonly fail: (error: unknown) => void;
}

export class VirtualClock implements Clock {
  readonly #mostTurns: number;
  #tick = 0;
  readonly #wheel = new TimerWheel(0);
  #soon: (() => void)[] = [];
  #soonNext = 0;
  #run: Run | undefined;
  #turns = 1;
  /** Asked of Node and not yet come; those of a run that ended serve the next. */
  #turnsComing = 0;
  #events = 0;

  /** `ownRounds`: each event in a round of its own through Node's loop. */
  constructor({ ownRounds = false }: { readonly ownRounds?: boolean } = {}) {
    this.#mostTurns = ownRounds ? 1 : MOST_TURNS;
  }

  now(): number {
    return this.#tick / TICKS_PER_MS;
  }

  wallNow(): number {
    return WALL_START_MS + this.now();
  }

  after(ms: number, fire: () => void): Timer {
    return this.#wheel.insert(this.#tick + Math.ceil(Math.max(0, ms) * TICKS_PER_MS), fire);
  }

  at(deadline: number, fire: () => void): Timer {
    return this.after(deadline - this.now(), fire);
  }

  soon(fire: () => void): void {
    this.#soon.push(fire);
  }

  /** How many events have run. */
  get events(): number {
    return this.#events;
  }

  /** Runs all that is due in the next `ms`, then stands at their end. Rejects with what an event threw. */
  async advance(ms: number): Promise<void> {
    await this.#start(ms, undefined);
  }

  /** Runs event after event until `done` says so (true) or `withinMs` have passed (false). */
  runUntil(done: () => boolean, withinMs: number): Promise<boolean> {
    return this.#start(withinMs, done);
  }

  #start(ms: number, done: (() => boolean) | undefined): Promise<boolean> {
    if (this.#run !== undefined) {
      return Promise.reject(new Fault("invalid", "the virtual clock is being advanced already; await the first call"));
    }
    if (!(ms >= 0 && ms <= LONGEST_MS)) {
      return Promise.reject(new Fault("invalid", `cannot advance by ${ms} ms; expected 0 to ${LONGEST_MS}`));
    }
    return new Promise((settle, fail) => {
      this.#run = { untilTick: this.#tick + Math.ceil(ms * TICKS_PER_MS), done, settle, fail };
      this.#turns = 1;
      if (this.#turnsComing === 0) this.#askForTurns();
    });
  }

  #askForTurns(): void {
    this.#turnsComing = this.#turns;
    for (let turn = 0; turn < this.#turns; turn++) setImmediate(this.#turn);
    this.#turns = Math.min(this.#mostTurns, this.#turns * 2);
  }

  readonly #turn = (): void => {
    const last = --this.#turnsComing === 0;
    const run = this.#run;
    if (run === undefined) return;
    try {
      if (run.done?.() === true) return this.#end(true);
      const event = this.#next(run.untilTick);
      if (event === undefined) return this.#end(false);
      this.#events++;
      event();
    } catch (error) {
      this.#run = undefined;
      run.fail(error);
    }
    if (last) this.#askForTurns();
  };

  /** The next event's function, with time moved to it. */
  #next(untilTick: number): (() => void) | undefined {
    if (this.#soonNext < this.#soon.length) return this.#nextSoon();
    const due = this.#wheel.take(untilTick);
    this.#tick = due === undefined ? untilTick : Math.max(this.#tick, due.tick);
    return due?.fire;
  }

  #nextSoon(): (() => void) | undefined {
    const event = this.#soon[this.#soonNext++];
    if (this.#soonNext === this.#soon.length) {
      this.#soon = [];
      this.#soonNext = 0;
    }
    return event;
  }

  #end(reached: boolean): void {
    const run = this.#run;
    this.#run = undefined;
    run?.settle(reached);
  }
}
