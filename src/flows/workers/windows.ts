// How many tasks of slow steps are given away at one time: as many as are worked on at once, and as many again where that much waiting
// is short beside their time limit. Their time runs from when they are given away, so what is given too early times out in a worker's
// inbox without having been begun.
//
// Fast steps need no such bound: what is given away is worked through in a second.
//
// Pure but for what it remembers of each step.

import type { StepNode } from "../graph.ts";
import { SLOW_MS } from "./batch-size.ts";

/** Until a step has been seen. */
const FIRST = 8;
/** Share of the newest figure in the mean. */
const WEIGHT = 0.2;

export interface Given {
  readonly at: number;
  /** Tasks of its contract that were given away with it. */
  readonly open: number;
}

export class Windows {
  readonly #parallel: (contract: string) => number | undefined;
  /** By contract. */
  readonly #open = new Map<string, number>();
  /** Ms that a step takes, waiting for its turn left out. */
  readonly #means = new Map<StepNode, number>();

  /** `parallel`: tasks of a contract that are worked on at one time, by all who serve it; undefined: not known, and no bound. */
  constructor(parallel: (contract: string) => number | undefined) {
    this.#parallel = parallel;
  }

  /** How many more of a step may be given away now. */
  room(step: StepNode): number {
    const contract = contractOf(step);
    const parallel = this.#parallel(contract);
    if (parallel === undefined) return Number.POSITIVE_INFINITY;
    const most = windowOf(this.#means.get(step), parallel, step.policy.timeoutMs);
    return Math.max(0, most - (this.#open.get(contract) ?? 0));
  }

  given(step: StepNode, now: number): Given {
    const contract = contractOf(step);
    const open = (this.#open.get(contract) ?? 0) + 1;
    this.#open.set(contract, open);
    return { at: now, open };
  }

  /** Once for each that was given away, whatever became of it. */
  back(step: StepNode, { at, open }: Given, now: number): void {
    const contract = contractOf(step);
    this.#open.set(contract, (this.#open.get(contract) ?? 1) - 1);
    const before = this.#means.get(step);
    const mean = (now - at) * Math.min(1, Math.max(1, this.#parallel(contract) ?? 1) / open);
    this.#means.set(step, before === undefined ? mean : before * (1 - WEIGHT) + mean * WEIGHT);
  }
}

/** `meanMs`: of one task; undefined: not seen yet. */
export function windowOf(meanMs: number | undefined, parallel: number, timeoutMs: number): number {
  const all = Math.max(1, parallel);
  if (meanMs === undefined) return Math.max(all, FIRST);
  if (meanMs / all <= SLOW_MS) return Number.POSITIVE_INFINITY;
  return meanMs * 4 <= timeoutMs ? all * 2 : all;
}

function contractOf({ method }: StepNode): string {
  return method.parent.typeName;
}
