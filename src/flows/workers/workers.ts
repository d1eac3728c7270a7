// Who does the work of steps, as a router sees it.

import type { Outcome } from "../decide.ts";
import type { StepNode } from "../graph.ts";

/** One attempt of one task, handed to a worker. Nothing else is known there: where its result goes is the graph's business. */
export interface Work {
  readonly task: number;
  readonly attempt: number;
  readonly node: StepNode;
  readonly value: Uint8Array;
  /** The same for the same task, step and attempt, whichever router asks. */
  readonly key: string;
  /** What says which worker, where balancing is by key; "" where it is not. */
  readonly affinity: string;
}

export interface Settling {
  /** Its time begins: what has not been sent yet waits without it. */
  began(work: Work): void;
  /** Once for each work, unless it was withdrawn. */
  settled(work: Work, outcome: Outcome): void;
  /** Any number of times before: how far it is, 0 … 1, and a few words. */
  reported(work: Work, progress: number | undefined, note: string): void;
}

export interface Workers {
  /** How many may be under way at one time. May change at any moment; `onPlaces` says so. */
  readonly places: number;
  onPlaces: () => void;
  /** How many more tasks of a step would be worked on soon; no more of it are given. Asked where some wait. */
  room(step: StepNode): number;
  /** Starts all of them; never throws. What cannot be done settles as failed. */
  perform(works: readonly Work[], settling: Settling): void;
  /** Its outcome does not matter any more; the worker is told, where that can be. */
  withdraw(work: Work): void;
  /** Of the method package.Contract/Method: undefined where that is not known. */
  serves(path: string): boolean | undefined;
  close(): Promise<void>;
}
