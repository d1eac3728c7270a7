// Counts of a run: what each node and edge has now and had so far, and what is live before a node that gathers.

import type { Plan } from "./plan.ts";
import { STATES, type State, type Task } from "./task.ts";

/** Of one node. */
export interface NodeCounts {
  readonly name: string;
  readonly kind: string;
  readonly waiting: number;
  readonly running: number;
  readonly retrying: number;
  /** So far. */
  readonly done: number;
  /** Attempts that failed, so far. */
  readonly failures: number;
  readonly dead: number;
  /** What a join or a batch holds. */
  readonly held: number;
}

export class Tally {
  readonly #plan: Plan;
  /** By edge: items that wait or are worked on, and their bytes. */
  readonly items: Float64Array;
  readonly bytes: Float64Array;
  /** Tasks by state, over the whole run. */
  readonly states: Record<State, number>;
  /** Whole items that were made, and that have ended. */
  roots = 0;
  rootsEnded = 0;
  live = 0;
  readonly #waiting: Float64Array;
  readonly #running: Float64Array;
  readonly #retrying: Float64Array;
  readonly #done: Float64Array;
  readonly #failures: Float64Array;
  readonly #dead: Float64Array;
  readonly #liveBefore: Float64Array;

  constructor(plan: Plan) {
    const { nodes, graph } = plan;
    this.#plan = plan;
    this.items = new Float64Array(graph.edges.length);
    this.bytes = new Float64Array(graph.edges.length);
    this.states = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
    const perNode = () => new Float64Array(nodes.length);
    this.#waiting = perNode();
    this.#running = perNode();
    this.#retrying = perNode();
    this.#done = perNode();
    this.#failures = perNode();
    this.#dead = perNode();
    this.#liveBefore = perNode();
  }

  nodes(held: (node: number) => number): NodeCounts[] {
    return this.#plan.nodes.map(({ id, name, kind }) => ({
      name,
      kind,
      waiting: this.#waiting[id] ?? 0,
      running: this.#running[id] ?? 0,
      retrying: this.#retrying[id] ?? 0,
      done: this.#done[id] ?? 0,
      failures: this.#failures[id] ?? 0,
      dead: this.#dead[id] ?? 0,
      held: held(id),
    }));
  }

  waiting(node: number): number {
    return this.#waiting[node] ?? 0;
  }

  running(node: number): number {
    return this.#running[node] ?? 0;
  }

  liveBefore(node: number): number {
    return this.#liveBefore[node] ?? 0;
  }

  deadBefore(node: number): number {
    let dead = 0;
    for (const { id } of this.#plan.nodes) {
      if (this.#plan.gatherers[id]?.includes(node)) dead += this.#dead[id] ?? 0;
    }
    return dead;
  }

  made(task: Task): void {
    this.states.waiting++;
    if (task.parent === 0) this.roots++;
    this.#alive(task, task.node);
  }

  /** It has come to a step, by its edge. */
  entered(task: Task): void {
    const { edge, node } = task;
    task.held = true;
    this.items[edge] = (this.items[edge] ?? 0) + 1;
    this.bytes[edge] = (this.bytes[edge] ?? 0) + task.value.length;
    add(this.#waiting, node, 1);
    this.#alive(task, node);
  }

  /** It is at its step no more. */
  left(task: Task): void {
    if (!task.held) return;
    const { edge, node } = task;
    task.held = false;
    this.items[edge] = (this.items[edge] ?? 0) - 1;
    this.bytes[edge] = (this.bytes[edge] ?? 0) - task.value.length;
    add(this.#of(task.state), node, -1);
  }

  changed(task: Task, to: State): void {
    this.states[task.state]--;
    this.states[to]++;
    if (!task.held) return;
    const [from, into] = [this.#of(task.state), this.#of(to)];
    if (from === into) return;
    add(from, task.node, -1);
    add(into, task.node, 1);
  }

  completed(node: number): void {
    add(this.#done, node, 1);
  }

  failed(node: number): void {
    add(this.#failures, node, 1);
  }

  ended(task: Task, as: State): void {
    if (as === "dead") add(this.#dead, task.node, 1);
    if (task.state === "dead") add(this.#dead, task.node, -1);
    else if (task.parent === 0) this.rootsEnded++;
    this.#alive(task, -1);
  }

  revived(task: Task): void {
    add(this.#dead, task.node, -1);
    if (task.parent === 0) this.rootsEnded--;
    this.#alive(task, task.node);
  }

  /** A node that gathers begins, or ceases, to hold something. */
  holds(node: number, holds: boolean): void {
    const by = holds ? 1 : -1;
    this.live += by;
    for (const gatherer of this.#plan.gatherers[node] ?? []) add(this.#liveBefore, gatherer, by);
  }

  #alive(task: Task, node: number): void {
    if (task.liveAt === node) return;
    if (task.liveAt >= 0)
      for (const gatherer of this.#plan.gatherers[task.liveAt] ?? []) add(this.#liveBefore, gatherer, -1);
    else this.live++;
    if (node >= 0) for (const gatherer of this.#plan.gatherers[node] ?? []) add(this.#liveBefore, gatherer, 1);
    else this.live--;
    task.liveAt = node;
  }

  /** The count that a task at a step is part of. */
  #of(state: State): Float64Array {
    if (state === "waiting") return this.#waiting;
    return state === "leased" || state === "running" ? this.#running : this.#retrying;
  }
}

function add(counts: Float64Array, at: number, by: number): void {
  counts[at] = (counts[at] ?? 0) + by;
}
