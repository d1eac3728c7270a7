// How deep in splits a node lies: each fan-out adds one, each join of parts takes one away.
//
//   source 0 ──▶ read 0 ─┬─▶ hash 1 ────┐
//                        └─▶ compress 1 ┴─▶ join (1 → 0) ──▶ …
//
// With it every join knows whose parts it gathers: those of the innermost split around it.

import { edgesOut, type Graph, type GraphEdge, type GraphNode, nodeAt } from "./graph.ts";

export interface Nesting {
  /** By node: how many splits are around what comes in. */
  readonly depths: readonly number[];
  readonly problems: readonly string[];
}

/** Whether one item may leave the node as several. */
export function splits(node: GraphNode, out: readonly GraphEdge[]): boolean {
  if (node.kind === "step" && node.method.methodKind === "server_streaming") return true;
  return node.kind !== "router" && out.length > 1;
}

export function depthsOf(graph: Graph): Nesting {
  const out = edgesOut(graph);
  const depths: (number | undefined)[] = graph.nodes.map(({ kind }) => (kind === "source" ? 0 : undefined));
  const cameBy = new Map<number, GraphEdge>();
  const problems: string[] = [];
  const open = graph.nodes.filter(({ kind }) => kind === "source").map(({ id }) => id);
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const node = nodeAt(graph, id);
    const after = depthAfter(node, depths[id] ?? 0, out[id] ?? []);
    if (after < 0) {
      problems.push(
        `join '${node.name}' gathers the parts of one item, and no fan-out is before it; for what comes from all items say { of: "run" }`,
      );
      break;
    }
    for (const edge of out[id] ?? []) {
      const known = depths[edge.to];
      if (known === undefined) {
        depths[edge.to] = after;
        cameBy.set(edge.to, edge);
        open.push(edge.to);
      } else if (known !== after && !gathersAll(nodeAt(graph, edge.to))) {
        problems.push(
          `edges ${cameBy.get(edge.to)?.name} and ${edge.name} bring items from ${known} and from ${after} fan-outs deep to one node; join the parts before they meet`,
        );
      }
    }
  }
  return { depths: depths.map((depth) => depth ?? 0), problems };
}

/** What gathers from the whole run takes from any depth. */
function gathersAll(node: GraphNode): boolean {
  return node.kind === "batch" || node.kind === "sink" || (node.kind === "join" && node.of === "run");
}

function depthAfter(node: GraphNode, depth: number, out: readonly GraphEdge[]): number {
  const base = node.kind === "join" && node.of === "parts" ? depth - 1 : gathersAll(node) ? 0 : depth;
  if (base < 0) return base;
  // By the keys of a join one item may become several, each a part of it.
  const more = splits(node, out) || (node.kind === "join" && node.of === "parts" && node.by !== undefined);
  return more ? base + 1 : base;
}
