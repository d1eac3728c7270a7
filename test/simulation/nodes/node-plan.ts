// What one seed does to a network of nodes: nodes, calls, orders of operators and faults, all plain data, so that a failing one
// can be printed and made smaller.

import { type Random, seededRandom } from "../../../src/base/random.ts";
import { nodeFaultPlan, type PlannedNodeFault } from "../../../src/testing/node-faults.ts";
import { Verb } from "../../gen/unum/test/v1/simulation_pb.ts";
import { CONTRACT_NAMES, type ContractName, type Job } from "../plan.ts";
import type { CodeName } from "./code.ts";

export interface NodeCall {
  readonly kind: "work" | "items" | "tell";
  readonly at: number;
  /** Index of the client that calls. */
  readonly client: number;
  readonly contract: ContractName;
  readonly job: Job;
  readonly ttlMs: number;
  readonly withinMs: number;
}

export type Order =
  | { readonly kind: "limit"; readonly at: number; readonly node: string; readonly containers: number }
  | { readonly kind: "deploy"; readonly at: number; readonly node: string; readonly code: CodeName }
  /** `which`: as a share of the node's containers. */
  | { readonly kind: "drain"; readonly at: number; readonly node: string; readonly which: number };

export type NodeOperation = NodeCall | Order;

export interface NodesPlan {
  readonly seed: number;
  readonly nodes: readonly { readonly name: string; readonly cpus: number; readonly containers: number }[];
  /** The node where each client runs. */
  readonly clients: readonly string[];
  readonly operations: readonly NodeOperation[];
  readonly faults: readonly PlannedNodeFault[];
  readonly spanMs: number;
}

const NAMES = ["a", "b", "c"];

export function nodesPlanOf(seed: number): NodesPlan {
  const random = seededRandom(seed);
  const shape = random.fork();
  const names = NAMES.slice(0, [1, 1, 2, 3][shape.below(4)]);
  const nodes = names.map((name) => ({ name, cpus: 1 + shape.below(2), containers: 1 + shape.below(5) }));
  const clients = names.map((name) => name);
  const spanMs = 6_000 + shape.below(8_000);
  // Every sixth is left in peace: what fails there fails without any fault.
  const peaceful = seed % 6 === 0;
  const faults = nodeFaultPlan(random.fork(), {
    nodes: names,
    untilMs: spanMs,
    count: peaceful ? 0 : 1 + shape.below(7),
  });
  return { seed, nodes, clients, operations: operationsOf(random.fork(), { names, spanMs, peaceful }), faults, spanMs };
}

interface Shape {
  readonly names: readonly string[];
  readonly spanMs: number;
  readonly peaceful: boolean;
}

function operationsOf(random: Random, shape: Shape): NodeOperation[] {
  const calls = Array.from({ length: 10 + random.below(30) }, () => callOf(random, shape));
  const orders = Array.from({ length: random.below(6) }, () => orderOf(random, shape));
  return [...calls, ...orders].sort((a, b) => a.at - b.at);
}

function orderOf(random: Random, { names, spanMs, peaceful }: Shape): Order {
  const node = names[random.below(names.length)] ?? "a";
  const at = random.below(spanMs);
  const kind = random.below(4);
  if (kind < 2) return { kind: "limit", at, node, containers: 1 + random.below(5) };
  if (kind === 2) return { kind: "drain", at, node, which: random.float() };
  const good: readonly CodeName[] = ["1.0.0", "1.1.0", "2.0.0"];
  const bad: readonly CodeName[] = ["broken", "crashing", "dying"];
  // Code that dies later costs the calls that are in it then.
  const from = random.below(4) === 0 ? (peaceful ? bad.slice(0, 2) : bad) : good;
  return { kind: "deploy", at, node, code: from[random.below(from.length)] ?? "1.0.0" };
}

function callOf(random: Random, { names, spanMs, peaceful }: Shape): NodeCall {
  const drawn = random.below(10);
  const kind = drawn < 7 ? "work" : drawn < 9 ? "items" : "tell";
  return {
    kind,
    // In clusters, so that calls meet.
    at: random.below(8) * (spanMs / 8) + random.below(200),
    client: random.below(names.length),
    contract: contractOf(random),
    job: jobOf(random, kind, { depth: 0, peaceful }),
    ttlMs: [100 + random.below(400), 1_000 + random.below(2_000), 15_000][random.below(3)] ?? 1_000,
    withinMs: random.below(2) === 0 ? random.below(1_500) : 0,
  };
}

function jobOf(random: Random, kind: NodeCall["kind"], { depth, peaceful }: { depth: number; peaceful: boolean }): Job {
  const errands = depth < 2 && random.below(depth + 4) === 0 ? 1 : 0;
  const trouble = peaceful || depth > 0 ? 99 : random.below(40);
  return {
    workMs: random.below(3) === 0 ? 0 : random.below(random.below(4) === 0 ? 1_500 : 60),
    fails: random.below(12) === 0,
    strict: random.below(2) === 0,
    heeds: random.below(2) === 0,
    items: kind === "items" ? random.below(12) : 0,
    itemMs: random.below(3) === 0 ? random.below(20) : 0,
    // Some within what everybody may take, some beyond.
    blockMs: trouble < 3 ? 300 + random.below(random.below(2) === 0 ? 3_000 : 11_000) : 0,
    exits: trouble === 3,
    errands: Array.from({ length: errands }, () => ({
      contract: contractOf(random),
      verb: Verb.WORK,
      ttlMs: 50 + random.below(1_000),
      job: jobOf(random, "work", { depth: depth + 1, peaceful }),
    })),
  };
}

function contractOf(random: Random): ContractName {
  return CONTRACT_NAMES[random.below(CONTRACT_NAMES.length)] ?? "Single";
}
