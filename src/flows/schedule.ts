// Items that come by the clock: a cron pattern, and what each firing brings.
//
// Invariants
//   S1. That a schedule fired for a moment and the item that it brought are in one block of the journal: each moment brings one item,
//       whatever is killed in between.
//   S2. Moments that passed while no router ran bring one item together, not one each.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Cron } from "croner";
import { Fault } from "unum";
import type { Clock, Timer } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { SourceNode } from "./graph.ts";
import { encode } from "./plan.ts";
import type { Router } from "./router/router.ts";

export interface Schedule<I extends DescMessage = DescMessage> {
  /** Tells it from others of the same run, over all its routers. */
  readonly name: string;
  /** As cron writes it, with seconds in front where there are six fields. */
  readonly pattern: string;
  /** IANA name; default UTC. */
  readonly timezone?: string;
  /** What an item of that moment is. */
  readonly item: (dueAt: Date) => MessageInitShape<I>;
}

/** A timer cannot be longer; it is set again when it comes. */
const LONGEST_WAIT_MS = 2 ** 30;

/** Fires until it is stopped or the run takes nothing in any more. Throws the Fault `invalid` where the pattern is none. */
export function startSchedule(
  schedule: Schedule,
  parts: { readonly clock: Clock; readonly router: Router; readonly source: SourceNode },
): { stop(): void } {
  const { clock, router, source } = parts;
  const cron = cronOf(schedule);
  let timer: Timer | undefined;
  let stopped = false;
  // From the last firing on, so that one which was missed comes late and not never.
  const from = router.state.fired.get(schedule.name) ?? Math.floor(clock.wallNow());
  const wait = (after: number): void => {
    const dueAt = cron.nextRun(new Date(after))?.getTime();
    if (dueAt === undefined || stopped) return;
    const step = (): void => {
      const left = dueAt - clock.wallNow();
      if (stopped) return;
      if (left > 0) timer = clock.after(Math.min(left, LONGEST_WAIT_MS), step);
      else fire(dueAt);
    };
    step();
  };
  const fire = (dueAt: number): void => {
    const now = Math.floor(clock.wallNow());
    const value = encode(source.output, schedule.item(new Date(dueAt)));
    // Where the run is over there is nobody to bring an item to.
    router.fire(schedule.name, Math.max(dueAt, now), source.id, value).catch(() => {
      stopped = true;
    });
    wait(Math.max(dueAt, now));
  };
  wait(from);
  return {
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}

function cronOf({ name, pattern, timezone = "UTC" }: Schedule): Cron {
  try {
    return new Cron(pattern, { timezone, paused: true });
  } catch (thrown) {
    throw new Fault(
      "invalid",
      `schedule '${name}': '${pattern}' is no pattern (${asError(thrown).message}); write it as '0 6 * * 1-5'`,
      { cause: thrown },
    );
  }
}
