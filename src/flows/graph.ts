// A flow's graph as data: what is declared, checked, drawn, kept with a run and compared when a flow changes.
//
//   source ──▶ step ──▶ router ─when─▶ step ──▶ join ──▶ sink
//
// Invariants
//   G1. A node's id is its place in `nodes`, an edge's its place in `edges`. Neither changes while the graph lives.
//   G2. Steps are the moving parts: work that is called for, anywhere, any number at a time. All else is fixed: decided in the
//       router's process, at once, from the value alone.

import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { StreamMethod, UnaryMethod } from "unum";
import type { EdgePolicy, StepPolicy } from "./policy.ts";

interface NodeBase {
  readonly id: number;
  readonly name: string;
}

export interface SourceNode extends NodeBase {
  readonly kind: "source";
  readonly output: DescMessage;
}

export interface StepNode extends NodeBase {
  readonly kind: "step";
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** A STREAM method puts out any number of items for one. */
  readonly method: UnaryMethod | StreamMethod;
  readonly policy: StepPolicy;
  /** Called with what this step put out where the whole item ends without a result, last step first. */
  readonly undo?: UnaryMethod;
}

export interface RouterNode extends NodeBase {
  readonly kind: "router";
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** Pure. What it answers names the way that the item goes. */
  readonly decide: (message: Message) => string;
}

/** What a join does about parts that never came: they failed, expired or were cancelled. */
export type LostParts = "wait" | "skip" | "fail" | "substitute";

export interface JoinNode extends NodeBase {
  readonly kind: "join";
  /** What each branch brings. */
  readonly branches: Readonly<Record<string, DescMessage>>;
  readonly output: DescMessage;
  /** `parts`: of one item that was split; `run`: of everything that comes, once nothing more can. */
  readonly of: "parts" | "run";
  /** One result for each key. Left out: one for all. */
  readonly by?: (message: Message, branch: string) => string;
  readonly combine: (parts: Readonly<Record<string, readonly Message[]>>, info: JoinInfo) => object;
  readonly lost: LostParts;
  /** What stands for a branch that brought nothing. */
  readonly substitute: Readonly<Record<string, object>>;
}

export interface JoinInfo {
  readonly key: string;
  /** Parts that never came. */
  readonly lost: number;
}

export interface BatchNode extends NodeBase {
  readonly kind: "batch";
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly items: number;
  /** After the first item; then what has come goes on. */
  readonly withinMs: number;
  readonly combine: (items: readonly Message[]) => object;
}

export interface SinkNode extends NodeBase {
  readonly kind: "sink";
  readonly input: DescMessage;
}

export type GraphNode = SourceNode | StepNode | RouterNode | JoinNode | BatchNode | SinkNode;

export interface GraphEdge {
  readonly id: number;
  /** FROM→TO, or FROM:WHEN→TO. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** The router's answer that leads here; "" for all other answers. Undefined where no router is before it. */
  readonly when?: string;
  /** The join's branch it belongs to. */
  readonly branch?: string;
  /** The most times that one item may go along it; needed where it closes a loop. */
  readonly atMost?: number;
  readonly policy: EdgePolicy;
}

export interface Graph {
  readonly name: string;
  readonly version: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** The edges out of each node, in the order of their declaration. */
export function edgesOut(graph: Graph): readonly (readonly GraphEdge[])[] {
  const out: GraphEdge[][] = graph.nodes.map(() => []);
  for (const edge of graph.edges) out[edge.from]?.push(edge);
  return out;
}

/** The node with the id. Ids come from the same graph (G1). */
export function nodeAt(graph: Graph, id: number): GraphNode {
  const node = graph.nodes[id];
  if (node === undefined) throw new RangeError(`${graph.name} has no node ${id}`);
  return node;
}

export function edgeAt(graph: Graph, id: number): GraphEdge {
  const edge = graph.edges[id];
  if (edge === undefined) throw new RangeError(`${graph.name} has no edge ${id}`);
  return edge;
}

/** What a node puts out; undefined for a sink. */
export function outputOf(node: GraphNode): DescMessage | undefined {
  return node.kind === "sink" ? undefined : node.output;
}

/** What an edge carries. */
export function messageOn(graph: Graph, edge: GraphEdge): DescMessage {
  const output = outputOf(nodeAt(graph, edge.from));
  if (output === undefined) throw new RangeError(`${edge.name} leaves a sink`);
  return output;
}
