// A graph for people and for programs: lines for a terminal, and the language of Graphviz.
//
//   source Incoming
//   └─▶ fetch                 demo.v1.Fetch/Get
//       └─▶ kind?
//           ├─ image ─▶ resize …

import type { GraphRecord, NodeRecord } from "./graph-record.ts";

/** `note`: what stands behind a node's name, as its counts; "" for nothing. */
export function graphLines(graph: GraphRecord, note: (node: number) => string = () => ""): string[] {
  const lines: string[] = [];
  const drawn = new Set<number>();
  const out = graph.nodes.map((_, id) => graph.edges.filter(({ from }) => from === id));
  const draw = (id: number, lead: string, indent: string): void => {
    const node = graph.nodes[id];
    if (node === undefined) return;
    const again = drawn.has(id);
    const about = again ? "(above)" : [descriptionOf(node), note(id)].filter((text) => text !== "").join("   ");
    lines.push(about === "" ? `${lead}${node.name}` : `${(lead + node.name).padEnd(38)} ${about}`);
    if (again) return;
    drawn.add(id);
    const edges = out[id] ?? [];
    edges.forEach(({ to, when, atMost }, index) => {
      const last = index === edges.length - 1;
      const way = when === undefined ? "" : ` ${when === "" ? "otherwise" : when} ─`;
      const bound = atMost === undefined ? "" : ` at most ${atMost} times ─`;
      draw(to, `${indent}${last ? "└" : "├"}─${way}${bound}▶ `, `${indent}${last ? "    " : "│   "}`);
    });
  };
  graph.nodes.forEach(({ kind }, id) => {
    if (kind === "source") draw(id, "", "");
  });
  return lines;
}

function descriptionOf({ kind, calls, output, of, lost, items, withinMs, policy, keyed }: NodeRecord): string {
  if (kind === "step") {
    const attempts = Number(policy?.["attempts"] ?? 1);
    return `${calls}, ${attempts} ${attempts === 1 ? "attempt" : "attempts"}, ${policy?.["timeoutMs"]} ms`;
  }
  if (kind === "join")
    return `joins ${of === "run" ? "the whole run" : "parts"}${keyed ? " by key" : ""}, ${lost} where one is lost`;
  if (kind === "batch") return `batches of ${items}, or after ${withinMs} ms`;
  return kind === "router" ? "router" : `${kind}${output === undefined ? "" : ` of ${output}`}`;
}

const SHAPES: Readonly<Record<NodeRecord["kind"], string>> = {
  ...{ source: "cds", step: "box", router: "diamond", join: "trapezium", batch: "trapezium", sink: "ellipse" },
};

export function graphDot({ name, nodes, edges }: GraphRecord): string {
  const text = (value: string) => JSON.stringify(value);
  const lines = [
    `digraph ${text(name)} {`,
    "  rankdir=LR; node [fontname=sans]; edge [fontname=sans];",
    ...nodes.map(
      (node, id) =>
        `  n${id} [label=${text(node.calls ? `${node.name}\n${node.calls}` : node.name)}, shape=${SHAPES[node.kind]}];`,
    ),
    ...edges.map(({ from, to, when, atMost }) => {
      const label = [when === "" ? "otherwise" : when, atMost && `≤ ${atMost}`].filter(Boolean).join(" ");
      return `  n${from} -> n${to}${label === "" ? "" : ` [label=${text(label)}]`};`;
    }),
    "}",
  ];
  return lines.join("\n");
}
