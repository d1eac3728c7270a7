// Another version of a flow for a run that is under way: what goes on, and what has no place in the new graph. Because the graph is data,
// nothing is run again to find out.
//
// A journal knows nodes and edges by number. So the new graph is numbered as the run's is: what is known by its name, or by the name that it
// is said to have now, keeps its number; what is new comes behind.

import { compareVersions, Fault, saysTooLittle } from "unum";
import type { Graph, GraphEdge, GraphNode } from "./graph.ts";
import { type EdgeRecord, type GraphRecord, graphRecord, type NodeRecord } from "./graph-record.ts";
import type { Journals } from "./journal/journal.ts";

/** How a run's graph and another one differ, in words; empty where they do not. */
export interface GraphChange {
  /** A run may go on with it: everything that is under way has its place. */
  readonly fits: boolean;
  /** `continues` as it is; `needs mapping`: it could, were it said which node is which; `stays` on the version it began with. */
  readonly verdict: "continues" | "needs mapping" | "stays";
  /** Each with what it means for the run. */
  readonly differences: readonly string[];
  /** Nodes that are gone by their name, and those that each may be now. */
  readonly candidates: Readonly<Record<string, readonly string[]>>;
  /** Where the version says less than has changed: what it says, and which would say it. Callers are the runs under way. */
  readonly version: string | undefined;
}

/** Old names to new ones. */
export type Renamed = Readonly<Record<string, string>>;

export function graphChange(before: GraphRecord, after: GraphRecord, renamed: Renamed = {}): GraphChange {
  const numbers = numbersOf(before, after, renamed);
  return changeBetween(before, after, numbered(after, numbers), { ...numbers, renamed });
}

/** The same, and the graph as the run's journal numbers it. */
export function alignGraph(
  before: GraphRecord,
  after: Graph,
  renamed: Renamed = {},
): GraphChange & { readonly graph: Graph } {
  const record = graphRecord(after);
  const numbers = numbersOf(before, record, renamed);
  const change = changeBetween(before, record, numbered(record, numbers), { ...numbers, renamed });
  const { nodes, edges } = numbered<GraphNode, GraphEdge, Graph>(after, numbers);
  return {
    ...change,
    graph: {
      ...after,
      nodes: nodes.map((node, id) => ({ ...node, id })),
      edges: edges.map((edge, id) => ({ ...edge, id })),
    },
  };
}

interface Numbers {
  /** In the order of the run's graph: places in the new one, -1 where there is none; then what is new. */
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
}

function numbersOf(before: GraphRecord, after: GraphRecord, renamed: Renamed): Numbers {
  const nodes = before.nodes.map(({ name }) => {
    const now = Object.hasOwn(renamed, name) ? renamed[name] : name;
    return after.nodes.findIndex((node) => node.name === now);
  });
  const edges = before.edges.map(({ from, to, when, branch }) =>
    after.edges.findIndex(
      (edge) => edge.from === nodes[from] && edge.to === nodes[to] && edge.when === when && edge.branch === branch,
    ),
  );
  return { nodes: withNew(nodes, after.nodes.length), edges: withNew(edges, after.edges.length) };
}

function withNew(known: readonly number[], count: number): number[] {
  const places = Array.from({ length: count }, (_, place) => place);
  return [...known, ...places.filter((place) => !known.includes(place))];
}

/** In the order of the numbers; what is gone leaves its place out, which only a graph that fits has not. */
function numbered<N, E extends { readonly from: number; readonly to: number }, G extends Of<N, E>>(
  { nodes, edges }: G,
  numbers: Numbers,
): { readonly nodes: N[]; readonly edges: E[] } {
  const place = (node: number) => numbers.nodes.indexOf(node);
  return {
    nodes: numbers.nodes.flatMap((from) => nodes[from] ?? []),
    edges: numbers.edges.flatMap((from) => {
      const edge = edges[from];
      return edge === undefined ? [] : [{ ...edge, from: place(edge.from), to: place(edge.to) }];
    }),
  };
}

interface Of<N, E> {
  readonly nodes: readonly N[];
  readonly edges: readonly E[];
}

interface Difference {
  readonly text: string;
  /** What is under way cannot go on with it. */
  readonly breaks: boolean;
  /** It could, if this node were one of those. */
  readonly mayBe?: readonly [string, readonly string[]];
}

const breaks = (text: string): Difference => ({ text, breaks: true });
const holds = (text: string): Difference => ({ text, breaks: false });

function changeBetween(
  before: GraphRecord,
  after: GraphRecord,
  ordered: Of<NodeRecord, EdgeRecord>,
  numbers: Numbers & { readonly renamed: Renamed },
): GraphChange {
  const nodeNow = (id: number): NodeRecord | undefined => after.nodes[numbers.nodes[id] ?? -1];
  const edgeNow = (id: number): EdgeRecord | undefined => after.edges[numbers.edges[id] ?? -1];
  const nodes = before.nodes.flatMap((node, id) => nodeChange(node, nodeNow(id), before, after));
  const gone = new Set(before.nodes.flatMap((_, id) => (nodeNow(id) === undefined ? [id] : [])));
  const edges = before.edges.flatMap((edge, id) =>
    // Of an edge whose end is gone that is said already.
    gone.has(edge.from) || gone.has(edge.to) ? [] : edgeChange(edge, edgeNow(id)),
  );
  const found = [
    ...wrongNames(before, after, numbers.renamed),
    ...headChanges(before, after),
    ...nodes,
    ...edges,
    ...(gone.size > 0
      ? []
      : [
          ...ordered.nodes.slice(before.nodes.length).map(({ kind, name }) => holds(`${kind} '${name}' is new`)),
          ...ordered.edges.slice(before.edges.length).map(({ name, from }) => newEdge(name, before.nodes[from])),
        ]),
  ];
  const broken = found.filter((each) => each.breaks);
  const mayBe = broken.flatMap((each) => (each.mayBe === undefined ? [] : [each.mayBe]));
  // A node that was renamed is one that runs do not find by themselves.
  const isBreak = broken.length > 0 || Object.keys(numbers.renamed).length > 0;
  return {
    fits: broken.length === 0,
    verdict: broken.length === 0 ? "continues" : mayBe.length === broken.length ? "needs mapping" : "stays",
    differences: found.map(({ text }) => text),
    candidates: Object.fromEntries(mayBe),
    version:
      found.length === 0 || before.name !== after.name
        ? undefined
        : saysTooLittle(before.version, after.version, { breaks: isBreak, who: "runs" }),
  };
}

function wrongNames(before: GraphRecord, after: GraphRecord, renamed: Renamed): Difference[] {
  const missing = (graph: GraphRecord, name: string) => !graph.nodes.some((node) => node.name === name);
  return Object.entries(renamed).flatMap(([old, now]) => {
    if (missing(before, old)) return [breaks(`the run has no '${old}' that could be '${now}' now`)];
    if (missing(after, now)) return [breaks(`'${old}' is said to be '${now}' now, and there is no '${now}'`)];
    const both = before.nodes.find(({ name }) => name === now && !Object.hasOwn(renamed, now));
    return both === undefined ? [] : [breaks(`'${old}' and '${now}' of the run cannot both be '${now}'`)];
  });
}

function headChanges(before: GraphRecord, after: GraphRecord): Difference[] {
  const found: Difference[] = [];
  if (before.name !== after.name) found.push(breaks(`the flow is '${after.name}', and the run is of '${before.name}'`));
  if (compareVersions(after.version, before.version) < 0) {
    found.push(holds(`version ${after.version} is older than ${before.version}, with which the run began`));
  }
  return found;
}

function nodeChange(
  node: NodeRecord,
  now: NodeRecord | undefined,
  before: GraphRecord,
  after: GraphRecord,
): Difference[] {
  const { kind, name } = node;
  if (now === undefined) {
    const mayBe = after.nodes
      .filter((each) => !before.nodes.some((other) => other.name === each.name) && takesItsPlace(node, each))
      .map((each) => each.name);
    const gone = `${kind} '${name}' is gone: items that are there would have no place`;
    if (mayBe.length === 0) return [breaks(gone)];
    const ways = mayBe.map((each) => `--map ${shown(name)}=${shown(each)}`).join(" or ");
    return [{ ...breaks(`${gone}; if it has another name now, say which: ${ways}`), mayBe: [name, mayBe] }];
  }
  const named = now.name === name ? [] : [holds(`${kind} '${name}' is '${now.name}' now`)];
  if (now.kind !== kind) return [breaks(`${kind} '${name}' is ${now.kind} '${now.name}' now`)];
  if (now.input !== node.input || now.output !== node.output) {
    return [
      breaks(
        `'${name}' takes ${now.input ?? "nothing"} and puts out ${now.output ?? "nothing"}; it was ${node.input ?? "nothing"} and ${node.output ?? "nothing"}`,
      ),
    ];
  }
  if (!takesItsPlace(node, now)) return [breaks(`'${name}' splits or joins otherwise`)];
  if (JSON.stringify({ ...now, name }) === JSON.stringify(node)) return named;
  return [...named, holds(`'${now.name}' has another policy or calls another method: it holds from now on`)];
}

function takesItsPlace(node: NodeRecord, now: NodeRecord): boolean {
  const same = (key: keyof NodeRecord) => now[key] === node[key];
  return (["kind", "input", "output", "stream", "of", "keyed"] as const).every(same);
}

function shown(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : `'${name}'`;
}

function edgeChange(edge: EdgeRecord, now: EdgeRecord | undefined): Difference[] {
  if (now === undefined) return [breaks(`edge ${edge.name} is gone`)];
  return JSON.stringify([now.atMost, now.policy]) === JSON.stringify([edge.atMost, edge.policy])
    ? []
    : [holds(`edge ${now.name} has another policy: it holds from now on`)];
}

/** One way that becomes two makes parts of what was whole. */
function newEdge(name: string, from: NodeRecord | undefined): Difference {
  if (from === undefined || from.kind === "router") return holds(`edge ${name} is new`);
  return breaks(`edge ${name} is new: what leaves '${from.name}' is split from now on`);
}

/** Says how the flow has changed since the run began. Rejects with `invalid` where the run cannot go on with it. */
export async function checkChange(
  journals: Journals,
  id: string,
  graph: Graph,
  renamed: Renamed,
  say: (line: string) => void,
): Promise<void> {
  const reader = await journals.read(id);
  await reader.close();
  const { fits, differences, version } = graphChange(reader.record.graph, graphRecord(graph), renamed);
  if (fits) for (const each of [...differences, ...(version === undefined ? [] : [version])]) say(each);
  else
    throw new Fault(
      "invalid",
      `run '${id}' cannot go on with this version: ${differences.join("; ")}; else go on with version ${reader.record.version}, and begin new runs with this one`,
    );
}
