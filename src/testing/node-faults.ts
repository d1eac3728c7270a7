// Faults of whole nodes as plain data: what is done to a computer, its processes or the network, when and for how long.

import type { Random } from "../base/random.ts";

/** What each kind does while it lasts. */
export const NODE_FAULT_KINDS = {
  "container crash": "a container is killed without a word",
  "container pause": "a container stands still, as by SIGSTOP, and goes on afterwards",
  "governor crash": "the governor is killed without a word",
  "governor pause": "the governor stands still and goes on afterwards",
  "keeper crash": "the keeper is killed; afterwards the node is started again",
  "slow spawn": "processes take long to start",
  "refused spawn": "the system starts no further process",
  stillborn: "processes end before their first line",
  "power loss": "a computer stops without a word, loses what was not on its disk, and is started again afterwards",
  "full disk": "nothing can be written",
  "slow disk": "every file takes long",
  hog: "a container uses more memory than it may",
  "clock jump": "the clock on the wall is set forward or back",
  cut: "nothing passes from one computer to another; the other way is open",
  partition: "nothing passes between one computer and all others",
  loss: "datagrams between computers vanish, and are doubled",
  delay: "messages between computers take long",
} as const;

export type NodeFaultKind = keyof typeof NODE_FAULT_KINDS;

/** Those that need two computers. */
const BETWEEN: ReadonlySet<NodeFaultKind> = new Set(["cut", "partition", "loss", "delay"]);

export interface PlannedNodeFault {
  readonly kind: NodeFaultKind;
  /** When it begins, in ms after the world has started, and how long it lasts. */
  readonly at: number;
  readonly forMs: number;
  /** The node it is done to. */
  readonly node: string;
  /** Of `cut`: the other end. Empty otherwise. */
  readonly to: string;
  /** Which of the node's containers, as a share of their number; of others how much. */
  readonly amount: number;
}

export interface NodeFaultSettings {
  readonly nodes: readonly string[];
  /** Faults begin before this. */
  readonly untilMs: number;
  readonly count: number;
  readonly kinds?: readonly NodeFaultKind[];
}

// Every kind there is, as the type says.
const ALL_KINDS = Object.keys(NODE_FAULT_KINDS) as NodeFaultKind[];

export function nodeFaultPlan(random: Random, settings: NodeFaultSettings): PlannedNodeFault[] {
  const { nodes, untilMs, count } = settings;
  const kinds = (settings.kinds ?? ALL_KINDS).filter((kind) => nodes.length > 1 || !BETWEEN.has(kind));
  const plan = Array.from({ length: count }, (): PlannedNodeFault => {
    const kind = kinds[random.below(kinds.length)] ?? "container crash";
    const node = nodes[random.below(nodes.length)] ?? "";
    const others = nodes.filter((each) => each !== node);
    const to = kind === "cut" ? (others[random.below(others.length)] ?? "") : "";
    return { kind, at: random.below(untilMs), forMs: lasts(random, kind), node, to, amount: random.float() };
  });
  return plan.sort((a, b) => a.at - b.at);
}

function lasts(random: Random, kind: NodeFaultKind): number {
  switch (kind) {
    case "container crash":
    case "governor crash":
    case "hog":
      return 1;
    case "container pause":
    case "governor pause":
      // Some end before anybody notices, some are longer than budgets and suspicions.
      return 50 + random.below(random.below(2) === 0 ? 900 : 9_000);
    case "clock jump":
      return 1_000 + random.below(10_000);
    case "keeper crash":
    case "power loss":
      return 500 + random.below(15_000);
    case "slow spawn":
    case "refused spawn":
    case "stillborn":
    case "full disk":
    case "slow disk":
      return 500 + random.below(6_000);
    case "cut":
    case "partition":
    case "loss":
    case "delay":
      return 200 + random.below(25_000);
  }
}
