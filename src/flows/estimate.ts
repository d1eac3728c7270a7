// What a topology will bear, worked out before it is built: from its graph, and from what is known or supposed of its steps.
//
//   visits of each node by one item ──▶ what each resource has to do for one item ──▶ the one that is full first
//
// It is arithmetic of averages (utilization law, Little's law): right about what is full first and near what that allows; it says nothing
// of bursts, of long tails, or of workers that slow each other down.

import { Fault } from "unum";
import type { Graph, GraphEdge, GraphNode } from "./graph.ts";
import { type Plan, planOf } from "./plan.ts";

/** What is supposed of a step. */
export interface StepGuess {
  /** From its call to its result, ms: work and waiting. Default `cpuMs`. */
  readonly ms?: number;
  /** Of which it keeps a processor busy. Default 0. */
  readonly cpuMs?: number;
  /** Calls of its component that one container works on at one time, as the component declares it. Default 1. */
  readonly concurrency?: number;
  /** Of a STREAM step: items that it puts out for one. Default 1. */
  readonly parts?: number;
  /** Share of attempts that fail, 0 … 1. Default 0. */
  readonly failures?: number;
}

/** What the machine takes for a step that does nothing. */
export interface MachineCosts {
  /** Of the router's thread, for each attempt, µs. */
  readonly routerUs: number;
  /** Of a worker's thread, for each attempt, µs. */
  readonly workerUs: number;
  /** To write to disk, ms. */
  readonly syncMs: number;
  /** From router to worker and back, ms. */
  readonly tripMs: number;
}

/** As measured for docs/BENCHMARKS.md on two shared cores; `measured` says better. */
export const COSTS: MachineCosts = { routerUs: 10, workerUs: 10, syncMs: 0.4, tripMs: 0.2 };

export interface Guesses {
  /** By name. */
  readonly steps?: Readonly<Record<string, StepGuess>>;
  /** By name of an edge out of a router: of what comes to the router, the share that goes this way. Default: equal shares of what is left. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Of a join by key: results that it makes of one item. Default 1. */
  readonly keys?: Readonly<Record<string, number>>;
  /** Containers that work. Default 2. */
  readonly containers?: number;
  /** Processors, of which the router has one. Default 2. */
  readonly cores?: number;
  /** Items that who submits lets be under way. Default: as many as there is room for. */
  readonly inFlight?: number;
  readonly costs?: Partial<MachineCosts>;
}

export interface Bound {
  /** What is full then, in words. */
  readonly by: string;
  readonly itemsPerSecond: number;
}

export interface FlowEstimate {
  readonly itemsPerSecond: number;
  /** Attempts of all steps. */
  readonly stepsPerSecond: number;
  /** The tightest first. */
  readonly bounds: readonly Bound[];
  /** One item alone in the flow, ms; what is split goes its ways at the same time. */
  readonly aloneMs: number;
  /** By node: how often one item, in all its parts, comes to it. */
  readonly visits: Readonly<Record<string, number>>;
}

const PLACES = 512;
const ROUNDS = 2_000;

/** Throws the Fault `invalid` where a guess is of nothing that is there, or of no possible size. */
export function estimateFlow(graph: Graph, guesses: Guesses = {}): FlowEstimate {
  checkGuesses(graph, guesses);
  const plan = planOf(graph);
  const visits = visitsOf(plan, guesses);
  const costs = { ...COSTS, ...guesses.costs };
  const { containers = 2, cores = 2 } = guesses;
  const steps = plan.nodes.flatMap((node) => {
    if (node.kind !== "step") return [];
    const guess = guesses.steps?.[node.name] ?? {};
    const { cpuMs = 0, ms = cpuMs, failures = 0, concurrency = 1 } = guess;
    const attempts = (visits[node.id] ?? 0) * attemptsOf(failures, node.policy.attempts);
    return [{ node, attempts, ms, cpuMs, atOnce: containers * concurrency }];
  });
  const sum = (of: (step: (typeof steps)[number]) => number) => steps.reduce((all, step) => all + of(step), 0);
  const attempts = sum((step) => step.attempts);
  const workerMs = sum((step) => step.attempts * (step.cpuMs + costs.workerUs / 1_000));
  const routerMs = (attempts * costs.routerUs) / 1_000;
  const heldMs = sum((step) => step.attempts * (step.ms + costs.tripMs));
  const aloneMs = aloneOf(plan, guesses, costs);
  const bounds: Bound[] = [
    ...steps.map(({ node, attempts: each, ms }) => ({
      by: `step '${node.name}': ${node.policy.concurrency} at one time`,
      itemsPerSecond: (node.policy.concurrency * 1_000) / (each * (ms + costs.tripMs)),
    })),
    ...steps.map(({ node, attempts: each, ms, atOnce }) => ({
      by: `step '${node.name}': ${atOnce} at one time, in ${containers} containers`,
      itemsPerSecond: (atOnce * 1_000) / (each * ms),
    })),
    ...graph.edges.map(({ id, name, policy }) => ({
      by: `edge ${name}: ${policy.perSecond} a second`,
      itemsPerSecond: policy.perSecond / edgeVisits(plan, guesses, visits, id),
    })),
    { by: `the router's thread`, itemsPerSecond: 1_000 / routerMs },
    { by: `the threads of ${containers} containers`, itemsPerSecond: (containers * 1_000) / workerMs },
    { by: `${cores} processors, for router and containers`, itemsPerSecond: (cores * 1_000) / (routerMs + workerMs) },
    { by: `${containers * PLACES} places of the containers`, itemsPerSecond: (containers * PLACES * 1_000) / heldMs },
    {
      by: `${guesses.inFlight ?? "any"} items under way`,
      itemsPerSecond: ((guesses.inFlight ?? Number.POSITIVE_INFINITY) * 1_000) / aloneMs,
    },
  ].filter(({ itemsPerSecond }) => Number.isFinite(itemsPerSecond));
  bounds.sort((a, b) => a.itemsPerSecond - b.itemsPerSecond);
  const itemsPerSecond = bounds[0]?.itemsPerSecond ?? Number.POSITIVE_INFINITY;
  return {
    ...{ itemsPerSecond, stepsPerSecond: itemsPerSecond * attempts, bounds, aloneMs },
    visits: Object.fromEntries(plan.nodes.map(({ name, id }) => [name, visits[id] ?? 0])),
  };
}

/** Until one does not fail, or there are no more. */
function attemptsOf(failures: number, most: number): number {
  return failures === 1 ? most : (1 - failures ** most) / (1 - failures);
}

/** Round after round until nothing changes: loops are sums of ever smaller shares. */
function visitsOf(plan: Plan, guesses: Guesses): readonly number[] {
  let visits: number[] = plan.nodes.map(({ kind }) => (kind === "source" ? 1 : 0));
  for (let round = 0; round < ROUNDS; round++) {
    const next: number[] = plan.nodes.map(({ kind }) => (kind === "source" ? 1 : 0));
    for (const edge of plan.graph.edges)
      next[edge.to] = (next[edge.to] ?? 0) + edgeVisits(plan, guesses, visits, edge.id);
    const most = Math.max(...next.map((value, id) => Math.abs(value - (visits[id] ?? 0))));
    visits = next;
    if (most < 1e-9) break;
  }
  return visits;
}

function edgeVisits(plan: Plan, guesses: Guesses, visits: readonly number[], id: number): number {
  const edge = plan.graph.edges[id];
  const from = edge === undefined ? undefined : plan.nodes[edge.from];
  if (edge === undefined || from === undefined) return 0;
  return outOf(plan, guesses, visits, from) * (from.kind === "router" ? shareOf(plan, guesses, edge) : 1);
}

/** Items that leave a node along each of its edges. */
function outOf(plan: Plan, guesses: Guesses, visits: readonly number[], node: GraphNode): number {
  const came = visits[node.id] ?? 0;
  if (node.kind === "batch") return came / node.items;
  if (node.kind === "step") {
    const { parts = 1, failures = 0 } = guesses.steps?.[node.name] ?? {};
    const many = node.method.methodKind === "server_streaming" ? parts : 1;
    return came * many * (1 - failures ** node.policy.attempts);
  }
  if (node.kind !== "join") return came;
  // One for all that the run brings is none for each item.
  if (node.of === "run") return 0;
  const { [node.name]: keys = 1 } = guesses.keys ?? {};
  const splits = plan.nodes.filter(
    ({ id }) => plan.splits[id] && plan.closing[id]?.some((join) => join.id === node.id),
  );
  return keys * splits.reduce((sum, { id }) => sum + (visits[id] ?? 0), 0);
}

function shareOf(plan: Plan, { shares = {} }: Guesses, edge: GraphEdge): number {
  const ways = plan.out[edge.from] ?? [];
  const said = (way: GraphEdge): number | undefined => shares[way.name];
  const known = said(edge);
  if (known !== undefined) return known;
  const left = 1 - ways.reduce((sum, way) => sum + (said(way) ?? 0), 0);
  return Math.max(0, left) / ways.filter((way) => said(way) === undefined).length;
}

/** The longest way, each step as often as the item comes to it there; parts of one item run at the same time. */
function aloneOf(plan: Plan, guesses: Guesses, costs: MachineCosts): number {
  const done = new Map<number, number>();
  const from = (node: GraphNode): number => {
    const known = done.get(node.id);
    if (known !== undefined) return known;
    done.set(node.id, 0);
    const onward = (plan.out[node.id] ?? [])
      .filter(({ atMost }) => atMost === undefined)
      .map((edge) => {
        const next = plan.nodes[edge.to];
        return next === undefined ? 0 : from(next);
      });
    const { cpuMs = 0, ms = cpuMs, failures = 0 } = guesses.steps?.[node.name] ?? {};
    const own =
      node.kind === "step" ? attemptsOf(failures, node.policy.attempts) * (ms + costs.tripMs) + costs.syncMs : 0;
    const all = own + Math.max(0, ...onward);
    done.set(node.id, all);
    return all;
  };
  return costs.syncMs + Math.max(0, ...plan.nodes.filter(({ kind }) => kind === "source").map(from));
}

function checkGuesses(graph: Graph, { steps = {}, shares = {}, keys = {} }: Guesses): void {
  const among = (what: string, given: string, names: readonly string[]) => {
    if (!names.includes(given))
      throw new Fault(
        "invalid",
        `flow '${graph.name}' has no ${what} '${given}'; it has ${names.join(", ") || "none"}`,
      );
  };
  const named = (kind: string) => graph.nodes.filter((node) => node.kind === kind).map(({ name }) => name);
  for (const [name, { ms = 0, cpuMs = 0, parts = 0, failures = 0, concurrency = 1 }] of Object.entries(steps)) {
    among("step", name, named("step"));
    if (!(ms >= 0 && cpuMs >= 0 && parts >= 0 && failures >= 0 && failures <= 1 && concurrency > 0))
      throw new Fault(
        "invalid",
        `step '${name}': times and parts are at least 0, failures between 0 and 1, at one time is more than 0`,
      );
  }
  const ways = graph.edges.filter(({ when }) => when !== undefined).map(({ name }) => name);
  for (const [name, share] of Object.entries(shares)) {
    among("edge out of a router", name, ways);
    if (!(share >= 0 && share <= 1))
      throw new Fault("invalid", `edge ${name}: a share of ${share} is not between 0 and 1`);
  }
  for (const name of Object.keys(keys)) among("join", name, named("join"));
}
