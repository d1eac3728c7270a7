// A run in memory: what its events say, applied one by one. The same for a run that goes on and for one that is read back.
//
// Invariants
//   R1. Nothing changes but by an event; the same events in the same order give the same state.
//   R2. Ids are given in the order of events, from 1.
//   R3. `open` of a split item is the number of its parts that have not ended; when it is 0 the item stands in `together`.
//   R4. A task counts as live at exactly one node from its making to its end; what gathers fires when nothing live is before it.

import { Fault } from "unum";
import type { Control, Delivery, FlowEvent } from "./events.ts";
import type { GraphNode } from "./graph.ts";
import { type Gathered, gathersAll, type Plan, policyOf } from "./plan.ts";
import { type EdgePolicy, edgePolicy } from "./policy.ts";
import { Tally } from "./tally.ts";
import { after, type Cause, hasEnded, Task } from "./task.ts";
import { WaitingLine } from "./waiting-line.ts";

const EMPTY = new Uint8Array(0);

/** What the shell around it wants to hear of. */
export interface Watching {
  /** After each change of a task's state. */
  changed(task: Task): void;
  /** An item came to a sink. */
  output(task: Task, node: GraphNode, value: Uint8Array): void;
}

export class RunState {
  readonly plan: Plan;
  readonly tasks = new Map<number, Task>();
  /** By edge; of steps alone. */
  readonly lines: readonly WaitingLine[];
  readonly tally: Tally;
  /** By node: what joins of the run and batches hold. */
  readonly gathered: readonly Gathered[][];
  /** Split items whose parts have all ended, to be joined. */
  readonly together: Task[] = [];
  /** Items that ended without a result, each with a step to undo next. */
  toUndo: Task[] = [];
  readonly keys = new Map<string, number>();
  /** The block of the journal that is being written. */
  block = 0;
  epoch = 0;
  version: string;
  closed = false;
  paused = false;
  cancelled = "";
  /** Until something is tried again, or goes through again. */
  finished: "done" | "failed" | "cancelled" | undefined;
  /** By schedule: the moment it fired for last. */
  readonly fired = new Map<string, number>();
  /** Items that were submitted without a key: how far an input that is read in order has been read. */
  submitted = 0;
  #nextId = 1;
  #arrivals = 0;
  #replaying = true;
  readonly #watching: Watching;

  constructor(plan: Plan, watching: Watching) {
    this.plan = plan;
    this.#watching = watching;
    this.version = plan.graph.version;
    this.lines = plan.graph.edges.map(() => new WaitingLine());
    this.tally = new Tally(plan);
    this.gathered = plan.nodes.map(() => []);
  }

  /** All that was written has been applied: from now on what waits stands in line. */
  replayed(): void {
    this.#replaying = false;
    const waiting = [...this.tasks.values()].filter(({ state, held }) => state === "waiting" && held);
    waiting.sort((a, b) => a.arrival - b.arrival);
    for (const task of waiting) this.lines[task.edge]?.push(task);
    this.toUndo = [...this.tasks.values()].filter(({ state }) => state === "undoing");
  }

  apply(event: FlowEvent): void {
    switch (event.kind) {
      case "submitted":
        return this.#submitted(event.node, event.key, event.deliveries, event.at);
      case "leased": {
        const task = this.#task(event.task);
        this.#dueBefore(task, event.at);
        task.attempt++;
        return this.#change(task, "lease", event.at);
      }
      case "completed": {
        const task = this.#task(event.task);
        if (event.undo !== undefined) this.#canBeUndone(task, event.undo);
        this.tally.completed(task.node);
        return this.#settle(task, event.deliveries, event.split, event.at);
      }
      case "failed":
        return this.#failed(event);
      case "ended":
        return this.#end(this.#task(event.task), event.as, event.reason, event.at);
      case "joined": {
        const task = this.#task(event.task);
        for (const join of new Set(task.parked?.map(({ edge }) => this.plan.graph.edges[edge]?.to ?? 0)))
          this.tally.completed(join);
        task.parked = undefined;
        task.lost = 0;
        return this.#settle(task, event.deliveries, event.split, event.at);
      }
      case "gathered":
        return this.#gathered(event.node, event.taken, event.results, event.at);
      case "undo":
        return this.#undid(event);
      case "revived":
        return this.#revived(this.#task(event.task), event.at);
      case "control":
        return this.#control(event.control, event.at);
    }
  }

  /** A pause between attempts is over. Follows from time alone, so it is no event. */
  due(task: Task, at: number): void {
    this.#change(task, "due", at);
    task.dueAt = 0;
    this.#line(task);
  }

  /** A worker says that it works on it. Not written, as `due` is not. */
  report(task: Task, at: number): void {
    this.#change(task, "report", at);
  }

  /** The id that the next new task will have. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Whether nothing that a gathering node waits for can come any more. */
  isQuiet(node: number): boolean {
    const target = this.plan.nodes[node];
    const waits = target?.kind === "join" && target.lost === "wait";
    return this.closed && this.tally.liveBefore(node) === 0 && !(waits && this.tally.deadBefore(node) > 0);
  }

  /** That a pause was over is not written: it shows in what happened next. */
  #dueBefore(task: Task, at: number): void {
    if (task.state === "retrying") this.#change(task, "due", at);
  }

  #task(id: number): Task {
    const task = this.tasks.get(id);
    if (task === undefined)
      throw new Fault("internal", `the run's journal speaks of task ${id}, which is not under way`);
    return task;
  }

  #make(parent: Task | undefined, node: number, value: Uint8Array, at: number): Task {
    const task = new Task({ id: this.#nextId++, epoch: this.epoch }, parent, node, value, at);
    this.tasks.set(task.id, task);
    this.tally.made(task);
    return task;
  }

  #submitted(node: number, key: string, deliveries: readonly Delivery[], at: number): void {
    const task = this.#make(undefined, node, EMPTY, at);
    task.key = key;
    if (key === "") this.submitted++;
    else this.keys.set(key, task.id);
    this.finished = undefined;
    if (this.plan.nodes[node]?.kind === "source") this.tally.completed(node);
    this.#settle(task, deliveries, this.plan.splits[node] ?? false, at);
  }

  /** An item leaves a node: as it is, or in parts. */
  #settle(task: Task, deliveries: readonly Delivery[], split: boolean, at: number): void {
    const [only] = deliveries;
    if (!split && only !== undefined && deliveries.length === 1) return this.#place(task, only, at);
    this.tally.left(task);
    task.open = deliveries.length;
    task.value = EMPTY;
    this.#change(task, "split", at);
    const { node } = task;
    for (const delivery of deliveries) this.#place(this.#make(task, node, delivery.value, at), delivery, at);
    if (deliveries.length === 0) this.together.push(task);
  }

  #place(task: Task, delivery: Delivery, at: number): void {
    const { edge, value } = delivery;
    if (edge < 0) return this.#end(task, "dead", delivery.reason, at, value);
    const { to, branch, atMost } = this.plan.graph.edges[edge] ?? {};
    const target = to === undefined ? undefined : this.plan.nodes[to];
    if (target === undefined)
      throw new Fault("internal", `the run's journal speaks of edge ${edge}, which the graph has not`);
    if (target.kind === "step") {
      this.tally.left(task);
      if (atMost !== undefined) {
        task.hops ??= new Map();
        task.hops.set(edge, (task.hops.get(edge) ?? 0) + 1);
      }
      task.edge = edge;
      task.node = target.id;
      task.value = value;
      task.attempt = 0;
      task.block = this.block;
      this.#change(task, task.state === "split" ? "gather" : "move", at);
      this.tally.entered(task);
      return this.#line(task);
    }
    if (target.kind === "sink") {
      this.#watching.output(task, target, value);
      this.tally.completed(target.id);
    } else if (gathersAll(target)) {
      const held = this.gathered[target.id];
      if (held?.length === 0) this.tally.holds(target.id, true);
      held?.push({ branch: branch ?? "", value });
    } else {
      // The check of the graph has shown that a split is around a join of parts.
      const parent = this.#task(task.parent);
      parent.parked ??= [];
      parent.parked.push({ edge, value });
    }
    this.#end(task, "done", "", at);
  }

  #line(task: Task): void {
    task.arrival = ++this.#arrivals;
    if (!this.#replaying) this.lines[task.edge]?.push(task);
  }

  #end(
    task: Task,
    as: "dead" | "expired" | "cancelled" | "done",
    reason: string,
    at: number,
    value?: Uint8Array,
  ): void {
    this.tally.left(task);
    // What is dead with something to undo could not be undone: who ends it gives that up.
    if (as === "done" || task.state === "dead") task.undo = undefined;
    // It is live until it is undone (R4).
    if (task.undo === undefined) this.tally.ended(task, as);
    task.reason = reason;
    if (as !== "dead") task.value = EMPTY;
    else if (task.edge < 0 && value !== undefined) task.value = value;
    this.#change(task, CAUSE_OF_END[as], at);
    if (task.undo !== undefined) {
      task.undo.why = reason;
      this.#undoNext(task, at);
    }
    this.#partEnded(task, as !== "done");
  }

  #partEnded(task: Task, lost: boolean): void {
    const parent = task.parent === 0 ? undefined : this.tasks.get(task.parent);
    if (parent?.state !== "split") return;
    parent.open--;
    if (lost) parent.lost++;
    if (parent.open === 0) this.together.push(parent);
  }

  /** The whole item keeps it, whichever part did it: steps are undone where the whole item fails. */
  #canBeUndone(task: Task, value: Uint8Array): void {
    const item = this.#task(task.root);
    item.undo ??= { steps: [], why: "" };
    item.undo.steps.push({ node: task.node, value });
  }

  #undoNext(task: Task, at: number): void {
    task.node = task.undo?.steps.at(-1)?.node ?? task.node;
    task.attempt = 1;
    task.dueAt = 0;
    task.block = this.block;
    this.#change(task, "undo", at);
    if (!this.#replaying) this.toUndo.push(task);
  }

  #undid({ task: id, reason, retryAt, at }: FlowEvent & { kind: "undo" }): void {
    const task = this.#task(id);
    if (reason === "") {
      task.undo?.steps.pop();
      task.reason = task.undo?.why ?? "";
      if (task.undo !== undefined && task.undo.steps.length > 0) return this.#undoNext(task, at);
      task.undo = undefined;
      this.tally.ended(task, "undone");
      return this.#change(task, "undone", at);
    }
    task.reason = reason;
    if (retryAt === 0) {
      this.tally.ended(task, "dead");
      return this.#change(task, "give up", at);
    }
    task.attempt++;
    task.dueAt = retryAt;
    this.#change(task, "undo", at);
  }

  #failed(event: FlowEvent & { kind: "failed" }): void {
    const task = this.#task(event.task);
    this.#dueBefore(task, event.at);
    task.reason = event.reason;
    this.tally.failed(task.node);
    this.#change(task, event.cause, event.at);
    if (event.retryAt === 0) return this.#end(task, "dead", event.reason, event.at);
    task.dueAt = event.retryAt;
    this.#change(task, "retry", event.at);
  }

  #gathered(node: number, taken: number, results: readonly (readonly Delivery[])[], at: number): void {
    const held = this.gathered[node];
    held?.splice(0, taken);
    if (held?.length === 0) this.tally.holds(node, false);
    this.tally.completed(node);
    for (const deliveries of results) {
      this.#settle(this.#make(undefined, node, EMPTY, at), deliveries, this.plan.splits[node] ?? false, at);
    }
  }

  #revived(task: Task, at: number): void {
    this.finished = undefined;
    this.tally.revived(task);
    if (task.undo !== undefined) return this.#undoNext(task, at);
    task.attempt = 0;
    task.reason = "";
    task.block = this.block;
    this.#change(task, "revive", at);
    this.tally.entered(task);
    this.#line(task);
    const parent = task.parent === 0 ? undefined : this.tasks.get(task.parent);
    if (parent === undefined) return;
    parent.lost--;
    parent.open++;
    if (parent.state === "split") return;
    // It had given up for want of this part.
    this.tally.revived(parent);
    this.#change(parent, "split", at);
  }

  #control(control: Control, at: number): void {
    switch (control.what) {
      case "opened":
        this.epoch = control.epoch;
        this.version = control.version;
        return this.#crashed(at);
      case "closed":
        this.closed = true;
        return;
      case "paused":
      case "resumed":
        this.paused = control.what === "paused";
        return;
      case "cancelled":
        this.cancelled = control.reason;
        this.closed = true;
        return;
      case "limits": {
        const edge = this.plan.graph.edges.find(({ name }) => name === control.edge);
        if (edge === undefined) return;
        // Checked when it was asked for.
        this.plan.policies[edge.id] = edgePolicy(
          edge.name,
          control.policy as Partial<EdgePolicy>,
          policyOf(this.plan, edge.id),
        );
        return;
      }
      case "fired":
        this.fired.set(control.schedule, control.dueAt);
        return;
      case "finished":
        this.finished = control.as;
    }
  }

  /** The router before this one is gone, and what it had given away with it. */
  #crashed(at: number): void {
    for (const task of this.tasks.values()) {
      if (task.state !== "leased" && task.state !== "running") continue;
      if (policyOf(this.plan, task.edge).delivery === "at-most-once") {
        this.#end(task, "dead", "it had begun when its router ended, and what became of it is not known", at);
      } else {
        this.#change(task, "crash", at);
        this.#line(task);
      }
    }
  }

  #change(task: Task, cause: Cause, at: number): void {
    const state = after(task.state, cause);
    if (state === undefined)
      throw new Fault("internal", `task ${task.id} is ${task.state}; '${cause}' cannot happen to it`);
    this.tally.changed(task, state);
    task.state = state;
    task.sequence++;
    task.changedAt = at;
    task.progress = undefined;
    this.#watching.changed(task);
  }
}

const CAUSE_OF_END = { dead: "give up", expired: "expire", cancelled: "cancel", done: "complete" } as const;

/** Whether its row may stand for it: nothing under way needs it in memory. */
export function isOver(task: Task): boolean {
  return hasEnded(task.state) && task.state !== "dead" && task.undo === undefined;
}
