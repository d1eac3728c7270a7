// What one seed does: a world, calls and faults, all plain data, so that a failing one can be printed and made smaller.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { faultPlan, type PlannedFault } from "../../src/testing/faults.ts";
import type { JobSchema } from "../gen/unum/test/v1/simulation_pb.ts";
import { Verb } from "../gen/unum/test/v1/simulation_pb.ts";

export const CONTRACT_NAMES = ["Single", "Triple", "Open"] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];

export type Job = MessageInitShape<typeof JobSchema>;

export interface CallOperation {
  readonly kind: "work" | "later" | "items" | "tell";
  readonly at: number;
  /** Index of the client that calls. */
  readonly client: number;
  readonly contract: ContractName;
  readonly job: Job;
  readonly ttlMs: number;
  readonly withinMs: number;
  /** Empty: none. */
  readonly key: string;
  /** A state to get back, or none. */
  readonly state: number | undefined;
  /** Undefined: never. */
  readonly withdrawAfterMs: number | undefined;
  /** Of `later`: whether, and how long after, the result is asked for. Of `items`: the pause between two. */
  readonly pauseMs: number | undefined;
  /** Of `items`. */
  readonly credit: number;
  readonly readAtMost: number;
}

export interface DrainOperation {
  readonly kind: "drain";
  readonly at: number;
  readonly container: string;
  readonly graceMs: number;
}

export type Operation = CallOperation | DrainOperation;

export interface Plan {
  readonly seed: number;
  readonly containers: readonly {
    readonly name: string;
    readonly contracts: readonly ContractName[];
    readonly inbox: number;
  }[];
  readonly clients: number;
  readonly operations: readonly Operation[];
  readonly faults: readonly PlannedFault[];
}

const SPAN_MS = 1_500;

export function planOf(seed: number): Plan {
  const random = seededRandom(seed);
  const shape = random.fork();
  const containers = Array.from({ length: 2 + shape.below(3) }, (_, index) => ({
    name: `k${index + 1}`,
    // The first serves all, so that every contract is served somewhere.
    contracts: index === 0 ? CONTRACT_NAMES : CONTRACT_NAMES.filter(() => shape.below(3) > 0),
    inbox: 1 + shape.below(6),
  }));
  const clients = 1 + shape.below(3);
  const operations = operationsOf(random.fork(), containers, clients);
  const faults = faultPlan(random.fork(), {
    containers: containers.map(({ name }) => name),
    clients: Array.from({ length: clients }, (_, index) => `c${index + 1}`),
    untilMs: SPAN_MS,
    // Every eighth world is left in peace: what fails there fails without any fault.
    count: seed % 8 === 0 ? 0 : 1 + shape.below(8),
  });
  return { seed, containers, clients, operations, faults };
}

function operationsOf(random: Random, containers: Plan["containers"], clients: number): Operation[] {
  const calls = Array.from({ length: 30 + random.below(50) }, () => callOf(random, clients));
  const drains = random.below(3) === 0 ? [drainOf(random, containers)] : [];
  return [...calls, ...drains].sort((a, b) => a.at - b.at);
}

function drainOf(random: Random, containers: Plan["containers"]): DrainOperation {
  const name = containers[random.below(containers.length)]?.name ?? "k1";
  return { kind: "drain", at: random.below(SPAN_MS), container: name, graceMs: 5 + random.below(1_500) };
}

function callOf(random: Random, clients: number): CallOperation {
  const kind = draw(random, { work: 11, later: 4, items: 3, tell: 2 });
  const ttlMs = draw(random, { short: 3, usual: 6, long: 1 });
  const keyed = (kind === "work" || kind === "later") && random.below(5) === 0;
  return {
    kind,
    // In clusters, so that calls meet.
    at: random.below(8) * (SPAN_MS / 8) + random.below(40),
    client: random.below(clients),
    contract: contractOf(random),
    job: jobOf(random, kind, 0),
    ttlMs: { short: 10 + random.below(90), usual: 150 + random.below(700), long: 2_000 }[ttlMs],
    withinMs: random.below(3) === 0 ? random.below(300) : 0,
    key: keyed ? `key ${random.below(4)}` : "",
    state: random.below(2) === 0 ? random.below(256) : undefined,
    withdrawAfterMs: random.below(6) === 0 ? random.below(120) : undefined,
    pauseMs: random.below(4) === 0 ? undefined : random.below(30),
    credit: 1 + random.below(5),
    readAtMost: random.below(4) === 0 ? 1 + random.below(4) : Number.MAX_SAFE_INTEGER,
  };
}

function jobOf(random: Random, kind: "work" | "later" | "items" | "tell", depth: number): Job {
  const errands = depth < 3 && random.below(depth + 3) === 0 ? 1 + random.below(2) : 0;
  return {
    workMs: random.below(3) === 0 ? 0 : random.below(25),
    fails: random.below(12) === 0,
    strict: random.below(2) === 0,
    heeds: random.below(2) === 0,
    items: kind === "items" ? random.below(12) : 0,
    itemMs: random.below(3) === 0 ? random.below(6) : 0,
    errands: Array.from({ length: errands }, () => {
      const verb = draw(random, { work: 5, later: 1, items: 1 });
      return {
        contract: contractOf(random),
        verb: { work: Verb.WORK, later: Verb.LATER, items: Verb.ITEMS }[verb],
        ttlMs: 20 + random.below(500),
        job: jobOf(random, verb, depth + 1),
      };
    }),
  };
}

function contractOf(random: Random): ContractName {
  return CONTRACT_NAMES[random.below(CONTRACT_NAMES.length)] ?? "Single";
}

/** One of the keys, as often as its weight says. */
function draw<K extends string>(random: Random, weights: Readonly<Record<K, number>>): K {
  // Keys of a record are its own, as its type says.
  const keys = Object.keys(weights) as K[];
  let left = random.below(keys.reduce((sum, key) => sum + weights[key], 0));
  for (const key of keys) {
    left -= weights[key];
    if (left < 0) return key;
  }
  throw new RangeError("weights must be positive");
}
