// Faults as plain data: what is done to a world, when and to whom. A plan is a list of them, made from a seed.

import type { Random } from "../base/random.ts";

/** What each kind does while it lasts. */
export const FAULT_KINDS = {
  loss: "messages from one process to another vanish, the connection goes on",
  duplicates: "the wire brings messages twice",
  delay: "messages from one process to another take long",
  reorder: "messages take very different times, so that connections overtake each other",
  cut: "nothing passes from one process to another; the other way is open",
  partition: "nothing passes between some processes and all others",
  crash: "a container is gone without a word, and started again afterwards",
  pause: "a container stands still, as by SIGSTOP, and goes on afterwards",
  skew: "a process's clock runs fast or slow",
  slow: "a container's functions take longer",
  overload: "a client makes many calls at once",
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

/** One fault. `from` and `to` name processes, without number; kinds that have one target use `to`. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** When it begins, and how long it lasts, in the world's ms. */
  readonly at: number;
  readonly forMs: number;
  readonly from: string;
  readonly to: string;
  /** loss, duplicates: share; delay, reorder: mean ms; skew: rate; slow: ms; overload: calls. */
  readonly amount: number;
}

export interface PlanSettings {
  readonly containers: readonly string[];
  readonly clients: readonly string[];
  /** Faults begin before this. */
  readonly untilMs: number;
  readonly count: number;
  readonly kinds?: readonly FaultKind[];
}

/** How fast or slow a clock may run: far beyond any crystal. */
export const MOST_DRIFT = 0.02;

// Every kind there is, as the type says.
const ALL_KINDS = Object.keys(FAULT_KINDS) as FaultKind[];

export function faultPlan(random: Random, settings: PlanSettings): PlannedFault[] {
  const { kinds = ALL_KINDS, containers, clients, untilMs, count } = settings;
  const plan = Array.from({ length: count }, (): PlannedFault => {
    const kind = pick(random, kinds);
    const at = random.below(Math.max(1, Math.round(untilMs)));
    const [from, to] = ends(random, kind, containers, clients);
    return { kind, at, from, to, ...extent(random, kind) };
  });
  return plan.sort((a, b) => a.at - b.at);
}

function ends(
  random: Random,
  kind: FaultKind,
  containers: readonly string[],
  clients: readonly string[],
): [string, string] {
  const all = [...containers, ...clients];
  if (kind === "overload") return [pick(random, clients), pick(random, containers)];
  if (kind === "skew") return ["", pick(random, all)];
  if (kind === "crash" || kind === "pause" || kind === "slow" || kind === "partition")
    return ["", pick(random, containers)];
  const container = pick(random, containers);
  const other = pick(
    random,
    all.filter((name) => name !== container),
  );
  return random.below(2) === 0 ? [container, other] : [other, container];
}

function extent(random: Random, kind: FaultKind): { forMs: number; amount: number } {
  const forMs = 10 + random.below(600);
  switch (kind) {
    case "loss":
      return { forMs, amount: 0.1 + random.float() * 0.6 };
    case "duplicates":
      return { forMs, amount: 0.2 + random.float() * 0.8 };
    case "delay":
      return { forMs, amount: 20 + random.below(200) };
    case "reorder":
      return { forMs, amount: 1 + random.below(20) };
    case "cut":
    case "partition":
      // Some end before silence is noticed, some after.
      return { forMs: 10 + random.below(3_000), amount: 0 };
    case "crash":
      return { forMs: 1 + random.below(500), amount: 0 };
    case "pause":
      return { forMs: 10 + random.below(1_200), amount: 0 };
    case "skew":
      return { forMs: 200 + random.below(2_000), amount: 1 + (random.float() * 2 - 1) * MOST_DRIFT };
    case "slow":
      return { forMs, amount: 10 + random.below(200) };
    case "overload":
      return { forMs: 0, amount: 10 + random.below(40) };
  }
}

function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[random.below(from.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}
