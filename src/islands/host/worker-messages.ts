// What a host and its thread tell each other.

import type { FaultCode } from "unum";
import type { SliceReply, SliceRequest } from "../archipelago/host.ts";

export interface WorkerTask {
  /** JSON. */
  readonly problem: string;
  readonly evaluationMs: number;
  readonly request: SliceRequest;
  /** GENERATION INDEX of candidates that must not be evaluated, generations counted from the slice's beginning, and why. */
  readonly barred: readonly BarredCandidate[];
}

export interface BarredCandidate {
  readonly candidate: string;
  readonly why: string;
}

export type WorkerAnswer =
  | { readonly reply: SliceReply }
  | { readonly failure: { readonly code: FaultCode; readonly message: string } };

/** Handed to a thread when it is made. */
export interface WorkerStart {
  /** By this a module knows that it is loaded as a thread that evaluates, and whose. */
  readonly islandHost: string;
  readonly progress: SharedArrayBuffer;
  /** Where it writes the generation and index of each candidate before it evaluates it. */
  readonly progressFile?: string;
}

/** Why a candidate is quarantined that is not to be evaluated in a process with anything else. */
export const ENDS = "ended its process each time it was evaluated";

/** In place of an index: the problem's own operators are at work. */
export const BREEDING = -2;

/** Places in the memory that both see. */
export const PROGRESS = {
  /** 1 while a slice runs. */
  active: 0,
  /** The candidate whose evaluation began last. */
  generation: 1,
  index: 2,
  /** Changes with each candidate. */
  turns: 3,
  /** It may take the time of so many candidates. */
  together: 4,
  count: 5,
} as const;
