// A graph without its functions: what is kept with a run, so that its journal can be read, drawn and counted by who has not the code.

import type { DescMessage } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import type { UnaryMethod } from "unum";
import { type Graph, type GraphEdge, type GraphNode, outputOf } from "./graph.ts";
import { DEFAULT_EDGE, edgePolicy, type StepPolicy, stepPolicy } from "./policy.ts";

export interface NodeRecord {
  readonly kind: GraphNode["kind"];
  readonly name: string;
  /** Names of messages. */
  readonly input?: string;
  readonly output?: string;
  /** Of a step: package.Contract/Method. */
  readonly calls?: string;
  readonly stream?: boolean;
  /** Of a step that can be undone: package.Contract/Method. */
  readonly undo?: string;
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Of a join. */
  readonly of?: "parts" | "run";
  readonly lost?: string;
  readonly keyed?: boolean;
  /** Of a batch. */
  readonly items?: number;
  readonly withinMs?: number;
}

export interface EdgeRecord {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly when?: string;
  readonly branch?: string;
  readonly atMost?: number;
  /** What differs from the defaults; JSON knows no Infinity, so none is written. */
  readonly policy: Readonly<Record<string, number | string>>;
}

export interface GraphRecord {
  readonly name: string;
  readonly version: string;
  readonly nodes: readonly NodeRecord[];
  readonly edges: readonly EdgeRecord[];
}

export function graphRecord({ name, version, nodes, edges }: Graph): GraphRecord {
  return { name, version, nodes: nodes.map(nodeRecord), edges: edges.map(edgeRecord) };
}

function nodeRecord(node: GraphNode): NodeRecord {
  const { kind, name } = node;
  const output = outputOf(node)?.typeName;
  const input = "input" in node ? node.input.typeName : undefined;
  const common = { kind, name, ...(input && { input }), ...(output && { output }) };
  if (node.kind === "step") {
    const calls = pathOf(node.method);
    const undo = node.undo === undefined ? undefined : pathOf(node.undo);
    const stream = node.method.methodKind === "server_streaming";
    return { ...common, calls, ...(stream && { stream }), ...(undo && { undo }), policy: finite(node.policy) };
  }
  if (node.kind === "join") {
    return { ...common, of: node.of, lost: node.lost, ...(node.by !== undefined && { keyed: true }) };
  }
  return node.kind === "batch" ? { ...common, items: node.items, withinMs: node.withinMs } : common;
}

/** package.Contract/Method. */
export function pathOf(method: { readonly name: string; readonly parent: { readonly typeName: string } }): string {
  return `${method.parent.typeName}/${method.name}`;
}

function edgeRecord({ name, from, to, when, branch, atMost, policy }: GraphEdge): EdgeRecord {
  const changed = Object.entries(policy).filter(
    ([key, value]) => DEFAULT_EDGE[key as keyof typeof DEFAULT_EDGE] !== value && value !== Number.POSITIVE_INFINITY,
  );
  return {
    ...{ name, from, to, policy: Object.fromEntries(changed) },
    ...(when !== undefined && { when }),
    ...(branch !== undefined && { branch }),
    ...(atMost !== undefined && { atMost }),
  };
}

function finite(policy: StepPolicy): Record<string, unknown> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== Number.POSITIVE_INFINITY));
}

const NOTHING: DescMessage = EmptySchema;

/** The graph as its record has it. Its functions throw: what needs them needs the code. */
export function bareGraph({ name, version, nodes, edges }: GraphRecord): Graph {
  return {
    name,
    version,
    nodes: nodes.map((node, id) => bareNode(node, id, edges)),
    edges: edges.map((edge, id) => ({ ...edge, id, policy: edgePolicy(edge.name, edge.policy) })),
  };
}

function bareNode(record: NodeRecord, id: number, edges: readonly EdgeRecord[]): GraphNode {
  const { kind, name } = record;
  const missing = () => {
    throw new RangeError(`'${name}' is known by its record alone; load its flow`);
  };
  const ends = { input: NOTHING, output: NOTHING };
  switch (kind) {
    case "source":
      return { id, name, kind, output: NOTHING };
    case "sink":
      return { id, name, kind, input: NOTHING };
    case "router":
      return { id, name, kind, ...ends, decide: missing };
    case "batch":
      return { id, name, kind, ...ends, items: record.items ?? 1, withinMs: record.withinMs ?? 1, combine: missing };
    case "join": {
      const branches = edges
        .filter(({ to }) => to === id)
        .map(({ branch = "" }): [string, DescMessage] => [branch, NOTHING]);
      // Both were checked when the flow was declared.
      const lost = record.lost as "wait" | "skip" | "fail" | "substitute";
      return {
        ...{ id, name, kind, output: NOTHING, branches: Object.fromEntries(branches), of: record.of ?? "parts" },
        ...{ lost, substitute: {}, combine: missing, ...(record.keyed && { by: missing }) },
      };
    }
    case "step": {
      const [contract = "", method = ""] = (record.calls ?? "").split("/");
      const methodKind = record.stream ? "server_streaming" : "unary";
      // As much of a method as is asked for where nothing is called.
      const bare = { methodKind, name: method, parent: { typeName: contract }, ...ends } as unknown as UnaryMethod;
      return { id, name, kind, ...ends, method: bare, policy: stepPolicy(name, record.policy ?? {}) };
    }
  }
}
