// What happens on a node, told as it happens.

import { sleep } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { LogLevel } from "../../base/log.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import type { Door } from "../door.ts";
import { newEvents } from "../new-events.ts";

const ASK_EVERY_MS = 500;
const ANSWER_MS = 5_000;

/** From `first` on, until the signal aborts. `tell` gets each event once. */
export async function tellEvents(
  door: Door,
  first: NodeStatus,
  tell: (level: LogLevel, text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let known = first;
  while (!signal.aborted) {
    await sleep(door.env.clock, ASK_EVERY_MS, signal).catch(() => {});
    try {
      const status = await door.status({ ttlMs: ANSWER_MS, signal });
      // Another governor keeps other events.
      const { events, missed } = newEvents(status.pid === known.pid ? known.events : [], status.events);
      if (missed) tell("warn", "some events were not seen: more happened than the node keeps");
      for (const { level, text } of events) tell(levelOf(level), text);
      known = status;
    } catch (error) {
      // It is being started again, or has ended; its keeper says so.
      if (!(error instanceof Fault)) throw error;
    }
  }
}

function levelOf(level: string): LogLevel {
  return level === "debug" || level === "warn" || level === "error" ? level : "info";
}
