// Which task is given to a worker next. Pure but for the rate of each edge, which is counted here.
//
// Invariants
//   D1. A step is given an item only where what it puts out has room: a full edge holds back the step before it.
//   D2. Of the edges into a step the one of higher priority goes first; equals take turns.
//   D3. An item is not begun before what brought it is on disk, unless its edge says `none` or `commit`.

import type { GraphEdge } from "../graph.ts";
import { policyOf } from "../plan.ts";
import type { RunState } from "../run-state.ts";
import type { Task } from "../task.ts";
import { RateLimit } from "./rate-limit.ts";

export class Dispatch {
  readonly #state: RunState;
  readonly #rates: RateLimit[];
  /** Which edge of a step was served last. */
  readonly #turns: number[];
  /** By edge: items that steps under way may yet put out along it. */
  readonly #promised: Float64Array;

  constructor(state: RunState, now: number) {
    this.#state = state;
    this.#rates = state.plan.graph.edges.map(() => new RateLimit(now));
    this.#turns = state.plan.nodes.map(() => 0);
    this.#promised = new Float64Array(state.plan.graph.edges.length);
  }

  /** Whether what a node puts out has a place, wherever it goes. */
  hasRoom(node: number): boolean {
    const { plan, tally } = this.#state;
    for (const edge of plan.next[node] ?? []) {
      const policy = policyOf(plan, edge);
      const items = (tally.items[edge] ?? 0) + (this.#promised[edge] ?? 0);
      if (items >= policy.capacity || (tally.bytes[edge] ?? 0) >= policy.capacityBytes) return false;
    }
    return true;
  }

  /** The edge that is full, for who waits. */
  fullEdge(node: number): string | undefined {
    const { plan, tally } = this.#state;
    const full = plan.next[node]?.find((edge) => {
      const policy = policyOf(plan, edge);
      return (tally.items[edge] ?? 0) >= policy.capacity || (tally.bytes[edge] ?? 0) >= policy.capacityBytes;
    });
    return full === undefined ? undefined : plan.graph.edges[full]?.name;
  }

  /** An item of the node is under way, or is not any more. */
  promise(node: number, by: 1 | -1): void {
    for (const edge of this.#state.plan.next[node] ?? []) this.#promised[edge] = (this.#promised[edge] ?? 0) + by;
  }

  /** The next task for a step, taken out of its line; undefined where none may begin now. */
  next(step: number, acknowledged: number, now: number): Task | undefined {
    const { plan, lines } = this.#state;
    const edges = plan.queues[step] ?? [];
    if (edges.length === 0) return undefined;
    const edge = this.#edge(step, edges, acknowledged, now);
    if (edge === undefined || !this.hasRoom(step)) return undefined;
    this.#rates[edge.id]?.take(policyOf(plan, edge.id).perSecond, now);
    return lines[edge.id]?.shift();
  }

  /** When an edge that is held back by its rate alone may go on, in ms from now; undefined: no such edge. */
  waitMs(now: number): number | undefined {
    const { plan, lines } = this.#state;
    let least: number | undefined;
    for (const edge of plan.graph.edges) {
      const { perSecond } = policyOf(plan, edge.id);
      if (perSecond === Number.POSITIVE_INFINITY || lines[edge.id]?.peek() === undefined) continue;
      const wait = this.#rates[edge.id]?.waitMs(perSecond, now) ?? 0;
      if (wait > 0 && (least === undefined || wait < least)) least = wait;
    }
    return least;
  }

  #edge(step: number, edges: readonly GraphEdge[], acknowledged: number, now: number): GraphEdge | undefined {
    const turn = this.#turns[step] ?? 0;
    let best: GraphEdge | undefined;
    let highest = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < edges.length; index++) {
      const place = (turn + index) % edges.length;
      const edge = edges[place];
      if (edge === undefined || !this.#ready(edge.id, acknowledged, now)) continue;
      const { priority } = policyOf(this.#state.plan, edge.id);
      if (priority <= highest) continue;
      highest = priority;
      best = edge;
    }
    if (best !== undefined) this.#turns[step] = (edges.indexOf(best) + 1) % edges.length;
    return best;
  }

  #ready(edge: number, acknowledged: number, now: number): boolean {
    const task = this.#state.lines[edge]?.peek();
    if (task === undefined) return false;
    const { durability, perSecond } = policyOf(this.#state.plan, edge);
    if (task.block > acknowledged && durability !== "none" && durability !== "commit") return false;
    return perSecond === Number.POSITIVE_INFINITY || (this.#rates[edge]?.waitMs(perSecond, now) ?? 0) === 0;
  }
}
