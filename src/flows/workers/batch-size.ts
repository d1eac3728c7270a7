// How many tasks of a step go to a container in one call: as many as take a few milliseconds, so that a call's cost is shared and
// nobody waits long for what is done already.

/** What a batch is meant to take, in ms. */
const AIM_MS = 4;
const MOST = 256;
/** Until a step has been seen. */
const FIRST = 8;
/** Share of the newest figure in the mean. */
const WEIGHT = 0.2;
/** A step that takes longer gets calls of its own, in which its component's concurrency counts. */
export const SLOW_MS = 4;

export interface Pace {
  /** Ms for one task; undefined: not seen yet. */
  readonly meanMs: number | undefined;
}

export const UNSEEN: Pace = { meanMs: undefined };

export function paceAfter(pace: Pace, tasks: number, elapsedMs: number): Pace {
  const each = elapsedMs / tasks;
  return { meanMs: pace.meanMs === undefined ? each : pace.meanMs * (1 - WEIGHT) + each * WEIGHT };
}

/** `parallel`: those that are worked on at the same time take no longer than one. */
export function batchSize({ meanMs }: Pace, parallel = 1): number {
  if (meanMs === undefined) return FIRST;
  return Math.max(1, Math.min(MOST, parallel), Math.min(MOST, Math.floor(AIM_MS / Math.max(meanMs, 1e-3))));
}

export function isSlow({ meanMs }: Pace): boolean {
  return meanMs !== undefined && meanMs > SLOW_MS;
}
