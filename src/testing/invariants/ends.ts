// Judges what is left: unanswered requests, containers that never became idle, drains that gave up too early.

import type { Passed } from "../trace.ts";
import type { Facts } from "./facts.ts";

/** Every request that was received is answered, and nothing is left when all is over. */
export function* everythingAnswered(facts: Facts): Iterable<string> {
  const open = new Map<number, Passed>();
  facts.events.forEach((event, index) => {
    if (event.kind === "received" && event.envelope !== "CANCEL") open.set(index, event);
    else if (event.kind === "replied") open.delete(event.receipt);
  });
  for (const { process, envelope, from, id, at } of open.values()) {
    // To one that is gone, what cannot arrive need not leave.
    if (!facts.crashed(process) && !facts.crashed(from))
      yield `${process} never answered ${envelope} ${id} of ${from}, received at ${at}`;
  }
  for (const { process, waiting, running } of facts.judged.left) {
    if (waiting + running > 0) yield `${process} is left with ${waiting} waiting and ${running} running`;
  }
}

/** Draining lets what it has end within the grace. */
export function* drainKeepsItsGrace(facts: Facts): Iterable<string> {
  for (const event of facts.events) {
    if (event.kind !== "replied" || event.code !== "undeliverable") continue;
    const receipt = facts.events[event.receipt];
    const draining = facts.lives.get(event.process)?.find(({ kind }) => kind === "draining");
    if (receipt === undefined || draining === undefined || receipt.at >= draining.at) continue;
    if (event.at < draining.at + draining.graceMs * 0.95) {
      yield `${event.process} gave up at ${event.at} a call it had when it began to drain at ${draining.at} with ${draining.graceMs} ms of grace`;
    }
  }
}
