// Judges streams: their order, their completeness and their credit.

import { Mode } from "../../messages/envelope.ts";
import type { Facts } from "./facts.ts";

/** Items come in the order they were made, none lost or invented, and no more are made than the reader allowed. */
export function* streamsInOrder(facts: Facts): Iterable<string> {
  const ahead = new Map<number, { made: number; read: number }>();
  for (const event of facts.events) {
    if (event.kind !== "made" && event.kind !== "read") continue;
    const count = ahead.get(event.call) ?? { made: 0, read: 0 };
    ahead.set(event.call, count);
    count[event.kind]++;
    const credit = facts.calls.get(event.call)?.called.credit ?? 0;
    // An item in the reader's hand is noted a turn later.
    if (count.made > count.read + credit + 1) {
      yield `stream ${event.call} is ${count.made - count.read} items ahead of its reader at ${event.at}, the credit is ${credit}`;
    }
  }
  for (const [call, { called, read, runs, outcomes }] of facts.calls) {
    if (called.mode !== Mode.STREAM) continue;
    const made = runs[0]?.made ?? [];
    if (read.some((value, index) => made[index] !== value)) yield `stream ${call} was read in another order than made`;
    if (outcomes[0]?.code === "ok" && (read.length !== made.length || runs[0]?.ended?.code !== "ok")) {
      yield `stream ${call} ended well with ${read.length} items read, ${made.length} made`;
    }
  }
}
