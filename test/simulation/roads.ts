// The roads between computers of a simulated world: cut one way, each as long as the longest of the faults that cut it.

import type { VirtualClock } from "../../src/testing/virtual-clock.ts";

export interface RoadParts {
  readonly clock: VirtualClock;
  /** Nothing goes from one to the other from now on, or everything again. */
  readonly set: (from: string, to: string, isCut: boolean) => void;
}

export class Roads {
  readonly #parts: RoadParts;
  readonly #until = new Map<string, number>();

  constructor(parts: RoadParts) {
    this.#parts = parts;
  }

  cut(from: string, to: string, forMs: number): void {
    const { clock, set } = this.#parts;
    const name = `${from} ${to}`;
    set(from, to, true);
    this.#until.set(name, Math.max(this.#until.get(name) ?? 0, clock.now() + forMs));
    clock.after(forMs, () => {
      if ((this.#until.get(name) ?? 0) > clock.now()) return;
      this.#until.delete(name);
      set(from, to, false);
    });
  }

  isCut(from: string, to: string): boolean {
    return this.#until.has(`${from} ${to}`);
  }

  /** Whether each hears the other. */
  areWhole(one: string, other: string): boolean {
    return one === other || !(this.isCut(one, other) || this.isCut(other, one));
  }
}
