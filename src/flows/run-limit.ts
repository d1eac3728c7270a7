// The time that a whole run may take, by the clock on the wall: then it is cancelled, whichever router it has, with what that brings with it.

import type { Clock, Timer } from "../base/clock.ts";
import type { RunRecord } from "./journal/journal.ts";
import type { Router } from "./router/router.ts";

/** A timer cannot be longer; it is set again when it comes. */
const LONGEST_WAIT_MS = 2 ** 30;

export function startRunLimit(
  { createdAt, withinMs }: Pick<RunRecord, "createdAt" | "withinMs">,
  { clock, router }: { readonly clock: Clock; readonly router: Router },
): { stop(): void } {
  if (withinMs === undefined) return { stop: () => {} };
  let timer: Timer | undefined;
  const look = (): void => {
    const leftMs = createdAt + withinMs - clock.wallNow();
    if (leftMs > 0) timer = clock.after(Math.min(leftMs, LONGEST_WAIT_MS), look);
    // Where the run is over, or this router ends, there is nothing to cancel.
    else if (router.state.finished === undefined)
      router.cancel(`the run has taken longer than the ${withinMs} ms it may`).catch(() => {});
  };
  look();
  return { stop: () => timer?.cancel() };
}
