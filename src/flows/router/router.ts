// The router of one run: it takes items in, gives them to workers, decides where they go, and writes all of it down.
//
//   submit ──▶ event ──▶ state (in memory) ──▶ turn: join, gather, expire, give ──▶ workers
//                 └────▶ journal ──▶ on disk ──▶ what waited for it: next step, status, output, who submitted
//
// Invariants
//   F1. Whatever changes the state is an event, written in the order in which it was applied.
//   F2. An outcome counts only for the attempt that is under way (its `Work`); all others are counted as late.
//   F3. Nothing leaves (status, output, answer to who submitted) before what led to it is on disk.

import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Fault } from "unum";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { readEvents } from "../event-codec.ts";
import type { GraphNode } from "../graph.ts";
import type { Journal, RowQuery, Rows, TaskRow } from "../journal/journal.ts";
import { checkedLimits } from "../limits.ts";
import type { Plan } from "../plan.ts";
import { isOver, type RunState } from "../run-state.ts";
import { Subscriptions, type TaskStatus } from "../subscriptions.ts";
import { STATES, type Task } from "../task.ts";
import type { Workers } from "../workers/workers.ts";
import { Attempts } from "./attempts.ts";
import { RouterCore } from "./core.ts";
import { Dispatch } from "./dispatch.ts";
import { cancelAll, cancelTree, whyNotCancelled, whyNotRetried } from "./ending.ts";
import { Expiry } from "./expiry.ts";
import { Intake } from "./intake.ts";
import { Joining } from "./joining.ts";
import { ChangedRows } from "./rows.ts";
import { progressOf, type RunProgress } from "./run-progress.ts";
import { Undoing } from "./undoing.ts";

export interface RouterParts {
  readonly env: { readonly clock: Clock; readonly random: Random };
  readonly plan: Plan;
  readonly journal: Journal;
  readonly workers: Workers;
  readonly output: (sink: string, value: MessageShape<DescMessage>, task: number) => void;
  /** Only writes down what it is told: for a run whose code is not here. */
  readonly passive?: boolean;
}

export class Router {
  readonly #parts: RouterParts;
  readonly #core: RouterCore;
  readonly #intake: Intake;
  readonly #attempts: Attempts;
  readonly #undoing: Undoing;
  readonly #joining: Joining;
  readonly #expiry: Expiry;
  readonly #rows: ChangedRows;
  readonly #subscriptions = new Subscriptions();
  readonly #end = Promise.withResolvers<"done" | "failed" | "cancelled">();
  #replaying = false;

  constructor(parts: RouterParts) {
    const { env, plan, journal, workers } = parts;
    this.#parts = parts;
    this.#rows = new ChangedRows(env.clock, {
      forget: (task) => this.state.tasks.delete(task.id),
      due: () => this.#rowsDue(),
    });
    this.#core = new RouterCore({
      ...{ env, plan, journal, workers },
      changed: (task) => this.#changed(task),
      output: (task, node, value) => this.#output(task, node, value),
      takeRows: () => this.#rows.take(),
      onAcknowledged: (block) => {
        this.#attempts.acknowledged(block);
        this.#subscriptions.acknowledged(block);
      },
      onLost: (why) => this.#lost(why),
      turn: () => this.#turn(),
    });
    const dispatch = new Dispatch(this.#core.state, env.clock.now());
    this.#intake = new Intake(this.#core, dispatch);
    this.#attempts = new Attempts(this.#core, dispatch, (task) => this.#told(task));
    this.#undoing = new Undoing(this.#core);
    this.#joining = new Joining(this.#core);
    this.#expiry = new Expiry(this.#core);
    // Nobody need wait for the end.
    this.#end.promise.catch(() => {});
  }

  get state(): RunState {
    return this.#core.state;
  }

  /** Reads back what there is and goes on with it. */
  async open(): Promise<void> {
    const { state } = this;
    this.#replaying = true;
    for await (const { position, bytes } of this.#parts.journal.blocks(0)) {
      state.block = position;
      for (const event of readEvents(bytes)) state.apply(event);
      this.#rows.forgetOver();
    }
    this.#replaying = false;
    state.replayed();
    this.#parts.workers.onPlaces = () => this.#core.soon();
    this.#core.openedIn = this.#core.writer.filling;
    this.#core.control({ what: "opened", epoch: state.epoch + 1, version: this.#parts.plan.graph.version });
    for (const task of state.tasks.values()) if (task.state === "retrying") this.#attempts.retryAt(task);
    this.#undoing.opened();
    if (state.cancelled !== "") cancelAll(this.#core, this.#attempts, state.cancelled);
    if (state.finished !== undefined) this.#end.resolve(state.finished);
    this.#core.soon();
  }

  /** Settles when the run is over: everything that came in has ended. Rejects when this router can not go on. */
  get finished(): Promise<"done" | "failed" | "cancelled"> {
    return this.#end.promise;
  }

  /**
   * Takes an item in; settles with its task once it is on disk. Waits while the edges behind the source are full.
   * The same key again: the same task, and nothing new.
   */
  submit(source: GraphNode, value: MessageInitShape<DescMessage>, key = ""): Promise<number> {
    return this.#intake.submit(source, value, key);
  }

  /** An item along an edge, as if it had just come by it: a replay. */
  enter(edge: number, value: Uint8Array, key: string): Promise<number> {
    return this.#intake.enter(edge, value, key);
  }

  /** A schedule's item: that it fired and what it brought are in one block, so it comes once. */
  fire(schedule: string, dueAt: number, source: number, value: Uint8Array): Promise<number> {
    return this.#intake.fire(schedule, dueAt, source, value);
  }

  /** Nothing more will be submitted: when all that is under way has ended, the run is over. */
  closeInput(): Promise<void> {
    if (!this.state.closed) this.#core.control({ what: "closed" });
    return this.#core.onDisk();
  }

  async pause(): Promise<void> {
    this.#refuseWhereFinished();
    if (!this.state.paused) this.#core.control({ what: "paused" });
    return this.#core.onDisk();
  }

  async resume(): Promise<void> {
    this.#refuseWhereFinished();
    if (this.state.paused) this.#core.control({ what: "resumed" });
    return this.#core.onDisk();
  }

  async cancel(reason: string): Promise<void> {
    this.#refuseWhereFinished();
    if (this.state.cancelled === "") this.#core.control({ what: "cancelled", reason });
    cancelAll(this.#core, this.#attempts, reason);
    // Who waits for room is told that there will be none.
    this.#intake.letAllGo();
    return this.#core.onDisk();
  }

  /** One item with all its parts. Rejects with `not-found` where it is not under way. */
  async cancelTask(id: number, reason: string): Promise<void> {
    const task = this.state.tasks.get(id);
    const why = whyNotCancelled(task, id);
    if (why !== undefined) throw why;
    if (task !== undefined) cancelTree(this.#core, this.#attempts, task, reason);
    return this.#core.onDisk();
  }

  /** A dead one tries again at its step. */
  async retry(id: number): Promise<void> {
    const why = whyNotRetried(this.#core, id);
    if (why !== undefined) throw why;
    this.#core.emit({ kind: "revived", at: this.#core.now(), task: id });
    return this.#core.onDisk();
  }

  async limits(edge: string, policy: Readonly<Record<string, number | string>>): Promise<void> {
    checkedLimits(this.#parts.plan, edge, policy);
    this.#core.control({ what: "limits", edge, policy });
    return this.#core.onDisk();
  }

  /** Undefined where there is no such task: never was, or its row is not written (which is told apart from waiting). */
  async status(id: number): Promise<TaskStatus | undefined> {
    const task = this.state.tasks.get(id);
    if (task !== undefined) return this.#statusOf(task);
    const { rows } = await this.#parts.journal.rows({ task: id, limit: 1 });
    return rows[0] === undefined ? undefined : this.statusOfRow(rows[0]);
  }

  /** Every change from now on, the present state first. Rejects with `not-found` where there is no such task. */
  async *statusFor(id: number): AsyncGenerator<TaskStatus> {
    const task = this.state.tasks.get(id);
    if (task !== undefined) {
      yield* this.#subscriptions.follow(id, this.#statusOf(task), isOver(task));
      return;
    }
    const status = await this.status(id);
    if (status === undefined) throw new Fault("not-found", `there is no task ${id} in run '${this.#core.run}'`);
    yield status;
  }

  /** All tasks that fit, as they stood at one position of the journal. */
  async states(query: RowQuery): Promise<Rows> {
    this.#rows.want();
    this.#core.writer.flush(true);
    await this.#core.onDisk();
    return this.#parts.journal.rows(query);
  }

  progress(): RunProgress {
    const { trouble, stopped } = this.#core;
    return progressOf(this.state, { late: this.#attempts.late, trouble: trouble ?? stopped?.message });
  }

  /** Everything under way has an end but for what waits for an operator. */
  get isBlocked(): boolean {
    const { states, live } = this.state.tally;
    const moving = states.waiting + states.leased + states.running + states.retrying + states.undoing;
    const { closed, paused, finished } = this.state;
    return closed && !paused && finished === undefined && moving === 0 && live > 0;
  }

  /** This router ends here; the run stands in the journal and can be resumed. */
  async stop(): Promise<void> {
    if (this.#core.stopped !== undefined) return;
    const why = new Fault("cancelled", `the router of run '${this.#core.run}' was stopped; resume it to go on`);
    this.#core.stopped = why;
    this.#stopTimers();
    await this.#parts.workers.close();
    this.#rows.want();
    this.#core.writer.flush(true);
    await this.#core.writer.close();
    this.#subscriptions.close(why);
    await this.#parts.journal.close();
    this.#end.reject(why);
    this.#intake.letAllGo();
  }

  #refuseWhereFinished(): void {
    const { finished } = this.state;
    if (finished !== undefined) throw new Fault("invalid", `run '${this.#core.run}' is over: ${finished}`);
  }

  #stopTimers(): void {
    for (const room of [this.#attempts, this.#undoing, this.#joining, this.#expiry, this.#rows]) room.stop();
  }

  #turn(): void {
    if (!this.#parts.passive) {
      this.#joining.joinTogether();
      this.#joining.gather();
      this.#expiry.sweep();
      this.#joining.joinTogether();
      this.#undoing.give(this.#attempts.open);
      this.#attempts.give(this.#undoing.open);
      this.#intake.letIn();
    }
    if (!this.#parts.passive || this.state.cancelled !== "") this.#finishWhereOver();
    this.#core.writer.flush();
  }

  #finishWhereOver(): void {
    const { state } = this;
    if (!state.closed || state.finished !== undefined || state.tally.live > 0 || state.together.length > 0) return;
    if (this.#intake.isWaitedFor && state.cancelled === "") return;
    const { dead, undone } = state.tally.states;
    const as = state.cancelled !== "" ? "cancelled" : dead + undone > 0 ? "failed" : "done";
    this.#core.control({ what: "finished", as });
    this.#rows.want();
    this.#core.disk.later(() => this.#end.resolve(as));
  }

  /** Nothing can be written any more. */
  #lost(why: Fault): void {
    this.#core.stopped = why;
    this.#stopTimers();
    this.#subscriptions.close(why);
    void this.#parts.workers.close();
    // What is not on disk must not leave; who waits for it is told.
    this.#core.disk.lost();
    this.#intake.letAllGo();
    void this.#parts.journal.close().catch(() => {});
    this.#end.reject(why);
  }

  #changed(task: Task): void {
    this.#rows.changed(task, this.#replaying);
    if (this.#replaying || this.#subscriptions.isEmpty) return;
    this.#subscriptions.changed(task, () => this.#statusOf(task), this.#core.writer.filling, isOver(task));
  }

  /** Progress is not written: it is told at once. */
  #told(task: Task): void {
    const { acknowledged } = this.#core.writer;
    this.#subscriptions.changed(task, () => this.#statusOf(task), acknowledged, false);
    this.#subscriptions.acknowledged(acknowledged);
  }

  #rowsDue(): void {
    const { stopped, writer } = this.#core;
    if (stopped === undefined) writer.flush(!this.#rows.isEmpty || writer.last > writer.acknowledged);
  }

  #output(task: Task, node: GraphNode, value: Uint8Array): void {
    if (this.#replaying || node.kind !== "sink") return;
    const { id } = task;
    this.#core.disk.later(() => this.#parts.output(node.name, fromBinary(node.input, value), id));
  }

  #statusOf(task: Task): TaskStatus {
    const { id, state, node, attempt, sequence, changedAt, reason, progress, note } = task;
    const at = this.#parts.plan.nodes[node]?.name ?? "";
    return { task: id, state, at, attempt, sequence, changedAt, reason, progress, note };
  }

  statusOfRow({ id, state, node, attempt, sequence, changedAt, reason }: TaskRow): TaskStatus {
    const at = this.#parts.plan.nodes[node]?.name ?? "";
    const known = STATES[state] ?? "waiting";
    return { task: id, state: known, at, attempt, sequence, changedAt, reason, progress: undefined, note: undefined };
  }
}
