// The clock of one simulated process: a view on the world's virtual time that can be wrong, stand still and die.
//
// Invariants
//   P1. Nothing of a paused process runs: timers, turns and deliveries are held, and run in the order they became due
//       when it goes on, each in a turn of its own. What becomes due meanwhile queues behind them.
//   P2. Nothing of a killed process runs, ever.
//   P3. now() never goes back and goes on during a pause, as a stopped process's monotonic clock does.

import type { Clock, Timer } from "../base/clock.ts";

/** What runs unless it was cancelled. */
interface Job {
  fire: (() => void) | undefined;
}

class ProcessTimer implements Timer, Job {
  fire: (() => void) | undefined;
  world: Timer | undefined;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  cancel(): void {
    this.fire = undefined;
    this.world?.cancel();
  }
}

/** `rate`: local ms per ms of the world. `offsetMs`: local time at the world's time 0. */
export interface Skew {
  readonly offsetMs: number;
  readonly rate: number;
}

const NO_SKEW: Skew = { offsetMs: 0, rate: 1 };

export class ProcessClock implements Clock {
  readonly #world: Clock;
  #state: "running" | "paused" | "catching up" | "dead" = "running";
  #held: Job[] = [];
  #heldBack = 0;
  /** Local time and the world's time when the rate was last set. */
  #local: number;
  #since: number;
  #rate: number;
  #wallOffsetMs = 0;

  constructor(world: Clock, skew: Skew = NO_SKEW) {
    this.#world = world;
    this.#since = world.now();
    this.#rate = skew.rate;
    this.#local = skew.offsetMs + this.#since * skew.rate;
  }

  now(): number {
    return this.#local + (this.#world.now() - this.#since) * this.#rate;
  }

  wallNow(): number {
    return this.#world.wallNow() + (this.now() - this.#world.now()) + this.#wallOffsetMs;
  }

  after(ms: number, fire: () => void): Timer {
    const timer = new ProcessTimer(fire);
    const due = this.now() + Math.max(0, ms);
    timer.world = this.#world.after(Math.max(0, ms) / this.#rate, () => this.#onTimer(timer, due));
    return timer;
  }

  at(deadline: number, fire: () => void): Timer {
    return this.after(deadline - this.now(), fire);
  }

  soon(fire: () => void): void {
    const job: Job = { fire };
    this.#world.soon(() => this.#run(job));
  }

  /** Something from outside: runs in its order, now if the process is free. */
  deliver(fire: () => void): void {
    if (this.#state === "running") fire();
    else this.#run({ fire });
  }

  /** How many things had to wait for the process to go on. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Whether it runs what comes at once. */
  get free(): boolean {
    return this.#state === "running";
  }

  get alive(): boolean {
    return this.#state !== "dead";
  }

  /** From now on local time passes at this rate. Timers that are set already fire late by the difference at most. */
  setRate(rate: number): void {
    this.#local = this.now();
    this.#since = this.#world.now();
    this.#rate = rate;
  }

  /** From now on the clock on the wall is so far from what it would be. */
  setWall(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs;
  }

  pause(): void {
    if (this.#state !== "dead") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "catching up";
    this.#catchUp();
  }

  kill(): void {
    this.#state = "dead";
    this.#held = [];
  }

  #onTimer(timer: ProcessTimer, due: number): void {
    const short = due - this.now();
    // The rate has sunk, or the division rounded: never early.
    if (short > 0) timer.world = this.#world.after(short / this.#rate, () => this.#onTimer(timer, due));
    else this.#run(timer);
  }

  #run(job: Job): void {
    if (this.#state === "running") job.fire?.();
    else if (this.#state !== "dead") {
      this.#heldBack++;
      this.#held.push(job);
    }
  }

  /** P1 */
  #catchUp(): void {
    this.#world.soon(() => {
      if (this.#state !== "catching up") return;
      this.#held.shift()?.fire?.();
      if (this.#held.length === 0) this.#state = "running";
      else this.#catchUp();
    });
  }
}
