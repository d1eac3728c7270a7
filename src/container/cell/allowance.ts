// How much of the processors cells may use, as a mean: what they have not used they may use later, up to a second's worth, and what they
// used too much they wait for. Pure.
//
//   let run ──balance below 0──▶ paused ──balance back──▶ let run
//
// Invariants
//   A1. Over any time they use at most its part of it, a burst, and what passed between two looks.
//   A2. Who uses less is never paused.

export interface Allowance {
  /** Of processor time; below 0: used too much. */
  readonly balanceMs: number;
  /** When that was so, on a monotonic clock. */
  readonly at: number;
  /** By all of them since they began. */
  readonly usedMs: number;
  readonly isPaused: boolean;
}

/** So that starting, and what takes long once, is not slowed. */
export const BURST_MS = 1_000;
/** For how long at least they are let run again. */
const SLICE_MS = 10;
const CLOSE_LOOK_MS = 20;
const LOOK_MS = 250;

/** What is used already, as the loading of the container, counts for nobody. */
export function allowanceFrom(at: number, usedMs: number): Allowance {
  return { balanceMs: BURST_MS, at, usedMs, isPaused: false };
}

/** `usedMs`: by now. What looks like less than before is a process that ended while it was looked at. */
export function afterUse(
  before: Allowance,
  { now, usedMs, cpuPermille }: { readonly now: number; readonly usedMs: number; readonly cpuPermille: number },
): Allowance {
  const rate = cpuPermille / 1_000;
  const spent = Math.max(0, usedMs - before.usedMs);
  const balanceMs = Math.min(BURST_MS, before.balanceMs + (now - before.at) * rate - spent);
  const isPaused = before.isPaused ? balanceMs < rate * SLICE_MS : balanceMs < 0;
  return { balanceMs, at: now, usedMs: Math.max(usedMs, before.usedMs), isPaused };
}

/** When to look again. */
export function lookInMs({ balanceMs, isPaused }: Allowance, cpuPermille: number): number {
  const rate = cpuPermille / 1_000;
  if (isPaused) return Math.min(LOOK_MS, Math.max(1, SLICE_MS - balanceMs / rate));
  return balanceMs < BURST_MS / 2 ? CLOSE_LOOK_MS : LOOK_MS;
}
