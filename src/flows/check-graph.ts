// What is wrong with a graph, each sentence with the node or edge it is about and the way out.

import type { DescMessage } from "@bufbuild/protobuf";
import { edgesOut, type Graph, type GraphEdge, type GraphNode, messageOn, nodeAt } from "./graph.ts";
import { depthsOf } from "./nesting.ts";

export function checkGraph(graph: Graph): readonly string[] {
  const out = edgesOut(graph);
  const typed = [...sources(graph), ...types(graph), ...ends(graph, out), ...reach(graph, out), ...loops(graph, out)];
  // Nesting means something only where every edge leads somewhere and loops end.
  return typed.length > 0 ? typed : depthsOf(graph).problems;
}

function sources({ nodes }: Graph): string[] {
  return nodes.some(({ kind }) => kind === "source") ? [] : ["it has no source; begin with source(Message)"];
}

function types(graph: Graph): string[] {
  return graph.edges.flatMap((edge) => {
    const carried = messageOn(graph, edge);
    const wanted = inputOf(nodeAt(graph, edge.to), edge);
    if (wanted === undefined) return [`edge ${edge.name} leads into a source`];
    if (wanted.typeName === carried.typeName) return [];
    return [
      `edge ${edge.name} carries ${carried.typeName}, and '${nodeAt(graph, edge.to).name}' takes ${wanted.typeName}; put a step between that makes one of the other`,
    ];
  });
}

function inputOf(node: GraphNode, edge: GraphEdge): DescMessage | undefined {
  if (node.kind === "source") return undefined;
  return node.kind === "join" ? node.branches[edge.branch ?? ""] : node.input;
}

function ends({ nodes }: Graph, out: readonly (readonly GraphEdge[])[]): string[] {
  return nodes.flatMap((node) => {
    const edges = out[node.id] ?? [];
    if (node.kind === "sink") return [];
    if (edges.length === 0) {
      return [
        `${node.kind} '${node.name}' leads nowhere; give what it puts out a sink, with .to(sink("name", Message))`,
      ];
    }
    if (node.kind !== "router") return [];
    const twice = edges.find((edge, index) => edges.findIndex(({ when }) => when === edge.when) !== index);
    return twice === undefined
      ? []
      : [
          `router '${node.name}' has two edges for '${twice.when || "otherwise"}'; an item goes one way: let a step after it fan out`,
        ];
  });
}

function reach({ nodes }: Graph, out: readonly (readonly GraphEdge[])[]): string[] {
  const reached = new Set<number>();
  const open = nodes.filter(({ kind }) => kind === "source").map(({ id }) => id);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    open.push(...(out[node] ?? []).map(({ to }) => to));
  }
  return nodes
    .filter(({ id }) => !reached.has(id))
    .map(({ kind, name }) => `${kind} '${name}' is reached from no source; connect it with .to(), or remove it`);
}

/** Every loop has an edge that says how often; without those edges nothing may go round. */
function loops({ nodes }: Graph, out: readonly (readonly GraphEdge[])[]): string[] {
  const problems: string[] = [];
  const state = new Map<number, "open" | "done">();
  const visit = (node: number): void => {
    state.set(node, "open");
    for (const edge of out[node] ?? []) {
      if (edge.atMost !== undefined) continue;
      if (state.get(edge.to) === "open") {
        problems.push(
          `edge ${edge.name} closes a loop without a bound; say how often an item may go along it: { atMost: 5 }`,
        );
      } else if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(node, "done");
  };
  for (const { id } of nodes) if (!state.has(id)) visit(id);
  return problems;
}
