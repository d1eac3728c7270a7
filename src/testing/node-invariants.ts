// What holds in every simulated network of nodes, whatever is done to it. Numbers go on where those of calls end.

import { type Violation, violations } from "./invariants.ts";
import * as capacity from "./node-invariants/capacity.ts";
import * as membership from "./node-invariants/membership.ts";
import { NodeFacts, type NodeJudged } from "./node-invariants/node-facts.ts";
import * as patience from "./node-invariants/patience.ts";
import * as recovery from "./node-invariants/recovery.ts";
import * as restarts from "./node-invariants/restarts.ts";

export type { NodeJudged, NodeRule } from "./node-invariants/node-facts.ts";

export interface NodeInvariant {
  /** Never given to another one; docs refer to it. */
  readonly number: number;
  readonly text: string;
  /** Says each place where it does not hold. */
  readonly broken: (facts: NodeFacts) => Iterable<string>;
}

export const NODE_INVARIANTS: readonly NodeInvariant[] = [
  {
    number: 17,
    text: "No container is started beyond the limit of its node, whoever governs it.",
    broken: capacity.withinLimit,
  },
  {
    number: 18,
    text: "A limit that was lowered holds within the grace and 7 s, where a governor runs.",
    broken: capacity.loweredInTime,
  },
  {
    number: 19,
    text: "No container outlives its governors by more than its lease and the grace of its calls.",
    broken: capacity.noOrphan,
  },
  {
    number: 20,
    text: "When all has been calm, every container that runs is kept by the governor of its node.",
    broken: capacity.allKept,
  },
  {
    number: 21,
    text: "What crashes is started again within the intensity, and then not until the calm is over or the code changes.",
    broken: restarts.withinIntensity,
  },
  {
    number: 22,
    text: "When its faults are over, a node has a governor, and serves or says why it does not.",
    broken: recovery.servesAgain,
  },
  {
    number: 23,
    text: "When all has been calm, all that serves on a node has the code of its folder, unless that did not pass, and no replacement is under way.",
    broken: recovery.sameCode,
  },
  {
    number: 24,
    text: "Containers are told within 2 s who is there.",
    broken: recovery.directoriesTold,
  },
  {
    number: 25,
    text: "Where nothing fails, no call fails for new code, a lower limit or a container that is drained.",
    broken: recovery.changesCostNoCall,
  },
  {
    number: 26,
    text: "No governor ends a container while a function in it is within its budget, unless the grace of its drain is over.",
    broken: patience.noneKilledEarly,
  },
  {
    number: 27,
    text: "A container that uses more memory than its computer has ends within the grace and 9 s, where a governor runs.",
    broken: capacity.noHog,
  },
  {
    number: 28,
    text: "When all has been calm, every node knows exactly those that run.",
    broken: membership.allKnown,
  },
  {
    number: 29,
    text: "No node that runs is counted as dead by one to which a path has existed for 8 s.",
    broken: membership.noFalseDeath,
  },
];

/** Those of calls hold there too. At most `most` places of each. */
export function nodeViolations(judged: NodeJudged, most = 5): Violation[] {
  const { events, rules, leastMs } = judged;
  const found = violations({ events, rules, leastMs, inboxLimits: new Map(), left: [] }, most);
  const facts = new NodeFacts(judged);
  for (const { number, broken } of NODE_INVARIANTS) {
    let count = 0;
    for (const text of broken(facts)) {
      found.push({ invariant: number, text });
      if (++count === most) break;
    }
  }
  return found;
}
