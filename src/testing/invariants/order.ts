// Judges order: on connections, in the inbox, and of what was withdrawn.

import type { Passed } from "../trace.ts";
import { type Facts, wireKey } from "./facts.ts";

/** What one process receives of another came in the order it was sent, each at most as often as sent. */
export function* fifoPerConnection(facts: Facts): Iterable<string> {
  const ways = new Map<string, { sent: string[]; next: number }>();
  const wayOf = (event: Passed, from: string) => {
    const key = `${from}>${event.address}`;
    const way = ways.get(key) ?? { sent: [], next: 0 };
    ways.set(key, way);
    return way;
  };
  for (const event of facts.events) {
    if (event.kind !== "sent" && event.kind !== "received") continue;
    const mark = `${event.envelope} ${wireKey(event)}`;
    const way = wayOf(event, event.from);
    if (event.kind === "sent") way.sent.push(mark);
    else {
      const found = way.sent.indexOf(mark, way.next);
      if (found < 0) yield `${mark} reached ${event.process} at ${event.at} out of order, twice or unsent`;
      else way.next = found + 1;
    }
  }
}

/** Clients' calls start in the order in which they came: nobody overtakes in the inbox. */
export function* startedInTurn(facts: Facts): Iterable<string> {
  const receipts = new Map<string, number>();
  const last = new Map<string, { receipt: number; call: number }>();
  facts.events.forEach((event, index) => {
    if (event.kind === "received" && event.envelope === "CALL") receipts.set(`${event.process} ${event.call}`, index);
  });
  for (const event of facts.events) {
    if (event.kind !== "started") continue;
    const called = facts.calls.get(event.call)?.called;
    if (called === undefined || called.parent !== 0 || called.key !== "") continue;
    const receipt = receipts.get(`${event.process} ${event.call}`) ?? 0;
    const before = last.get(event.process);
    if (before !== undefined && before.receipt > receipt) {
      yield `${event.process} started call ${event.call} at ${event.at} after call ${before.call}, which came later`;
    }
    last.set(event.process, { receipt, call: event.call });
  }
}

/** What was withdrawn while it waited does not start. */
export function* cancelledStaysOut(facts: Facts): Iterable<string> {
  const cancelled = new Map<string, number>();
  for (const event of facts.events) {
    if (event.kind === "received") {
      const call = event.envelope === "CALL" ? event.call : facts.callOf.get(wireKey(event));
      if (call === undefined) continue;
      if (event.envelope === "CALL") cancelled.delete(`${event.process} ${call}`);
      if (event.envelope === "CANCEL") cancelled.set(`${event.process} ${call}`, event.at);
    } else if (event.kind === "started") {
      const at = cancelled.get(`${event.process} ${event.call}`);
      // Another call with the same key may still want it.
      if (at === undefined || facts.calls.get(event.call)?.called.key !== "") continue;
      yield `${event.process} started call ${event.call} at ${event.at}, which was withdrawn there at ${at}`;
    }
  }
}
