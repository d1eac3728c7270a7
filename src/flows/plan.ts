// What follows from a graph alone, worked out once: where each node's items go next, and what lies before and after it.

import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { asError } from "../base/fault.ts";
import type { Delivery } from "./events.ts";
import { edgeAt, edgesOut, type Graph, type GraphEdge, type GraphNode, type JoinNode, nodeAt } from "./graph.ts";
import { splits } from "./nesting.ts";
import type { EdgePolicy } from "./policy.ts";

export interface Plan {
  readonly graph: Graph;
  readonly nodes: readonly GraphNode[];
  readonly out: readonly (readonly GraphEdge[])[];
  /** Edges into each step, by node. */
  readonly queues: readonly (readonly GraphEdge[])[];
  readonly splits: readonly boolean[];
  /** By node: the queues that what it puts out may come to next. */
  readonly next: readonly (readonly number[])[];
  /** By node: joins of parts that may gather what is split there. */
  readonly closing: readonly (readonly JoinNode[])[];
  /** By node: joins of the run and batches that its items may still come to. */
  readonly gatherers: readonly (readonly number[])[];
  /** Live: changed by `limits`. */
  readonly policies: EdgePolicy[];
}

export function planOf(graph: Graph): Plan {
  const out = edgesOut(graph);
  const { nodes } = graph;
  return {
    graph,
    nodes,
    out,
    queues: nodes.map(({ id, kind }) => (kind === "step" ? graph.edges.filter(({ to }) => to === id) : [])),
    splits: nodes.map((node) => splits(node, out[node.id] ?? [])),
    next: nodes.map(({ id }) => nextQueues(graph, out, id)),
    closing: nodes.map(({ id }) => closingJoins(graph, out, id)),
    gatherers: nodes.map(({ id }) => [...after(out, id)].filter((node) => gathersAll(nodeAt(graph, node)))),
    policies: graph.edges.map(({ policy }) => policy),
  };
}

export function gathersAll(node: GraphNode): boolean {
  return node.kind === "batch" || (node.kind === "join" && node.of === "run");
}

function after(out: Plan["out"], from: number): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = (out[from] ?? []).map(({ to }) => to);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    open.push(...(out[node] ?? []).map(({ to }) => to));
  }
  return reached;
}

/** Loops are left out: who waits for room behind itself waits for ever. */
function nextQueues(graph: Graph, out: Plan["out"], from: number): number[] {
  const found = new Set<number>();
  const seen = new Set<number>();
  const visit = (node: number): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const edge of out[node] ?? []) {
      if (edge.atMost !== undefined) continue;
      if (nodeAt(graph, edge.to).kind === "step") found.add(edge.id);
      else visit(edge.to);
    }
  };
  visit(from);
  return [...found];
}

/** The first joins of parts on every way from a split, not counting those of splits on the way. */
function closingJoins(graph: Graph, out: Plan["out"], from: number): JoinNode[] {
  const found = new Map<number, JoinNode>();
  const seen = new Set<string>();
  const visit = (node: number, depth: number): void => {
    const place = `${node} ${depth}`;
    if (seen.has(place) || depth > graph.nodes.length) return;
    seen.add(place);
    for (const { to } of out[node] ?? []) {
      const target = nodeAt(graph, to);
      if (target.kind === "join" && target.of === "parts") {
        if (depth === 1) found.set(to, target);
        else visit(to, depth - 1);
      } else if (!gathersAll(target)) visit(to, depth + (splits(target, out[to] ?? []) ? 1 : 0));
    }
  };
  visit(from, 1);
  return [...found.values()];
}

/** Where what a node puts out comes to rest, through all routers on the way. Pure; what a router throws ends the item. */
export function deliveriesFrom(plan: Plan, node: number, value: Uint8Array, hops: Hops): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const edge of plan.out[node] ?? []) follow(plan, edge, value, hops, deliveries);
  return deliveries;
}

/** How often this item has gone along an edge. */
export type Hops = ((edge: number) => number) | undefined;

function follow(plan: Plan, edge: GraphEdge, value: Uint8Array, hops: Hops, into: Delivery[]): void {
  if (edge.atMost !== undefined && (hops?.(edge.id) ?? 0) >= edge.atMost) {
    into.push(nowhere(value, `went along ${edge.name} ${edge.atMost} times, its bound`));
    return;
  }
  const target = plan.nodes[edge.to];
  if (target === undefined || target.kind !== "router") {
    into.push({ edge: edge.id, value, reason: "" });
    return;
  }
  const ways = plan.out[target.id] ?? [];
  let answer: string;
  try {
    answer = String(target.decide(fromBinary(target.input, value)));
  } catch (thrown) {
    into.push(nowhere(value, `router '${target.name}' threw ${asError(thrown).message}`));
    return;
  }
  const way = ways.find(({ when }) => when === answer) ?? ways.find(({ when }) => when === "");
  if (way === undefined) {
    const known = ways.map(({ when }) => `'${when}'`).join(", ");
    into.push(nowhere(value, `router '${target.name}' answered '${answer}'; its ways are ${known}`));
    return;
  }
  follow(plan, way, value, hops, into);
}

function nowhere(value: Uint8Array, reason: string): Delivery {
  return { edge: -1, value, reason };
}

export interface Gathered {
  readonly branch: string;
  readonly value: Uint8Array;
}

/** What a join makes of what came, a value for each key in the order of their first part. Throws what its functions throw. */
export function combineParts(node: JoinNode, parts: readonly Gathered[], lost: number): Uint8Array[] {
  const groups = new Map<string, Record<string, Message[]>>();
  const none = () => Object.fromEntries(Object.keys(node.branches).map((branch): [string, Message[]] => [branch, []]));
  for (const { branch, value } of parts) {
    const schema = node.branches[branch];
    if (schema === undefined) throw new RangeError(`join '${node.name}' has no branch '${branch}'`);
    const message = fromBinary(schema, value);
    const key = node.by === undefined ? "" : String(node.by(message, branch));
    let group = groups.get(key);
    if (group === undefined) {
      group = none();
      groups.set(key, group);
    }
    group[branch]?.push(message);
  }
  if (groups.size === 0) groups.set("", none());
  return [...groups].map(([key, group]) => {
    if (node.lost === "substitute") substitute(node, group);
    return encode(node.output, node.combine(group, { key, lost }));
  });
}

function substitute({ branches, substitute: given }: JoinNode, group: Record<string, Message[]>): void {
  for (const [branch, init] of Object.entries(given)) {
    const schema = branches[branch];
    const parts = group[branch];
    if (schema !== undefined && parts?.length === 0) parts.push(fromBinary(schema, encode(schema, init)));
  }
}

export function combineBatch(
  node: {
    readonly input: DescMessage;
    readonly output: DescMessage;
    readonly combine: (items: readonly Message[]) => object;
  },
  values: readonly Uint8Array[],
): Uint8Array {
  return encode(node.output, node.combine(values.map((value) => fromBinary(node.input, value))));
}

export function policyOf(plan: Plan, edge: number): EdgePolicy {
  return plan.policies[edge] ?? edgeAt(plan.graph, edge).policy;
}

export function encode(schema: DescMessage, init: object): Uint8Array<ArrayBuffer> {
  // Typed where it was declared; what is no message of the schema makes this throw.
  return toBinary(schema, create(schema, init as Record<string, unknown>));
}
