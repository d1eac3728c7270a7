// A process as the pretended network sees it: a name, a clock, and a way in.

import type { Clock } from "../../base/clock.ts";

export interface MemoryProcess {
  readonly name: string;
  readonly clock: Clock;
  /** Whether `deliver` would run what it is given at once. */
  readonly free: boolean;
  /** Runs `fire` in the process, in the order of the calls: now if it runs, later if it is paused, never if it is gone. */
  deliver(fire: () => void): void;
}

/** One that always runs. */
export function plainProcess(name: string, clock: Clock): MemoryProcess {
  return { name, clock, free: true, deliver: (fire) => fire() };
}
