// What holds in every simulated world, whatever is done to it: written down once, checked in every run.

import * as ends from "./invariants/ends.ts";
import { Facts, type Judged } from "./invariants/facts.ts";
import * as limits from "./invariants/limits.ts";
import * as order from "./invariants/order.ts";
import * as outcomes from "./invariants/outcomes.ts";
import * as streams from "./invariants/streams.ts";

export type { Judged, Rule } from "./invariants/facts.ts";

export interface Invariant {
  /** Never given to another one; docs refer to it. */
  readonly number: number;
  readonly text: string;
  /** Says each place where it does not hold. */
  readonly broken: (facts: Facts) => Iterable<string>;
}

export const INVARIANTS: readonly Invariant[] = [
  {
    number: 1,
    text: "Every message has exactly one final outcome, by its deadline.",
    broken: outcomes.oneOutcome,
  },
  {
    number: 2,
    text: "Nothing is started after its time to live plus the stated bound: the network's least delay a hop, and the drift of clocks.",
    broken: outcomes.startedInTime,
  },
  {
    number: 3,
    text: "Requests of one sender to one address arrive in the order they were sent, each once, or not at all.",
    broken: order.fifoPerConnection,
  },
  {
    number: 4,
    text: "A container starts calls in the order in which they came.",
    broken: order.startedInTurn,
  },
  {
    number: 5,
    text: "A container works on one message at a time, but for a component's own concurrency and for calls that a waiting frame made.",
    broken: limits.oneAtATime,
  },
  {
    number: 6,
    text: "No more calls wait than the inbox's limit, and none is refused as overloaded while there is a place.",
    broken: limits.inboxLimit,
  },
  {
    number: 7,
    text: "A call without an idempotency key runs at most once; a broadcast at most once in each container.",
    broken: outcomes.atMostOnce,
  },
  {
    number: 8,
    text: "A call with an idempotency key runs at most once in a container within its window, the time to live of the call that brought it.",
    broken: outcomes.onceByKey,
  },
  {
    number: 9,
    text: "What was reported as not started (expired, undeliverable, overloaded, not-found, cycle, …) was not started and never is.",
    broken: outcomes.notStartedWhereSaid,
  },
  {
    number: 10,
    text: "What is ok ran where it says it ran and ended with that value, and its state comes back untouched.",
    broken: outcomes.okOnlyIfRun,
  },
  {
    number: 11,
    text: "A fault is the truth: nothing is expired early, cancelled unasked, a cycle without one, or unknown while nothing broke.",
    broken: outcomes.faultsAreTrue,
  },
  {
    number: 12,
    text: "A stream's items are read in the order they were made, none lost, and the component is never further ahead than the credit.",
    broken: streams.streamsInOrder,
  },
  {
    number: 13,
    text: "What was withdrawn before it started does not start.",
    broken: order.cancelledStaysOut,
  },
  {
    number: 14,
    text: "Every request received is answered, and no container is left with anything when all is over.",
    broken: ends.everythingAnswered,
  },
  {
    number: 15,
    text: "A draining container lets what it has end, within its grace.",
    broken: ends.drainKeepsItsGrace,
  },
];

/** Compared by whoever runs a world twice; no single trace can show it. */
export const SAME_SEED_SAME_HASH = { number: 16, text: "The same seed has the same trace, event by event." } as const;

export interface Violation {
  readonly invariant: number;
  readonly text: string;
}

/** Each broken invariant with the places where it broke, at most `most` of each. */
export function violations(judged: Judged, most = 5): Violation[] {
  const facts = new Facts(judged);
  const found: Violation[] = [];
  for (const { number, broken } of INVARIANTS) {
    let count = 0;
    for (const text of broken(facts)) {
      found.push({ invariant: number, text });
      if (++count === most) break;
    }
  }
  return found;
}
