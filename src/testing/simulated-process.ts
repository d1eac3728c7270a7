// One process of a simulated world: a name, a clock of its own and a generator of its own.

import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { MemoryProcess } from "../transports/memory/process.ts";
import { ProcessClock } from "./process-clock.ts";

export class SimulatedProcess implements MemoryProcess {
  /** Without number; what the network and faults call it. */
  readonly name: string;
  /** NAME.N: the Nth start. */
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #own: ProcessClock;

  /** `seam` may put a defect into the clock that the process sees. */
  constructor(world: Clock, random: Random, id: string, name: string, seam: (clock: Clock) => Clock) {
    this.id = id;
    this.name = name;
    this.random = random;
    this.#own = new ProcessClock(world);
    this.clock = seam(this.#own);
  }

  get alive(): boolean {
    return this.#own.alive;
  }

  get free(): boolean {
    return this.#own.free;
  }

  deliver(fire: () => void): void {
    this.#own.deliver(fire);
  }

  setRate(rate: number): void {
    this.#own.setRate(rate);
  }

  /** Sets the clock on the wall so far from the world's. */
  setWall(offsetMs: number): void {
    this.#own.setWall(offsetMs);
  }

  pause(): void {
    this.#own.pause();
  }

  resume(): void {
    this.#own.resume();
  }

  /** How many things were held back by pauses. */
  get heldBack(): number {
    return this.#own.heldBack;
  }

  kill(): void {
    this.#own.kill();
  }
}
