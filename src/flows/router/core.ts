// What the rooms of a router share: the run's state, its journal, and the one way in which anything changes.

import { Fault } from "unum";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Control, FlowEvent } from "../events.ts";
import type { Journal, TaskRow } from "../journal/journal.ts";
import { JournalWriter } from "../journal-writer.ts";
import { type Plan, policyOf } from "../plan.ts";
import type { EdgePolicy } from "../policy.ts";
import { RunState, type Watching } from "../run-state.ts";
import type { Workers } from "../workers/workers.ts";
import { AfterDisk } from "./after-disk.ts";

export interface CoreParts extends Watching {
  readonly env: { readonly clock: Clock; readonly random: Random };
  readonly plan: Plan;
  readonly journal: Journal;
  readonly workers: Workers;
  readonly takeRows: () => readonly TaskRow[] | undefined;
  readonly onAcknowledged: (block: number) => void;
  readonly onLost: (why: Fault) => void;
  /** What has happened is looked at, all of it together. */
  readonly turn: () => void;
}

export class RouterCore {
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: Plan;
  readonly state: RunState;
  readonly writer: JournalWriter;
  readonly disk: AfterDisk;
  readonly workers: Workers;
  /** Its id. */
  readonly run: string;
  /** The block that says that this router has opened the run. */
  openedIn = 0;
  /** There is no room on disk. */
  trouble: string | undefined;
  /** Why nothing happens here any more. */
  stopped: Fault | undefined;
  readonly #turn: () => void;
  #turnComing = false;

  constructor(parts: CoreParts) {
    const { env, plan, journal } = parts;
    this.clock = env.clock;
    this.random = env.random;
    this.plan = plan;
    this.workers = parts.workers;
    this.run = journal.record.id;
    this.#turn = parts.turn;
    this.state = new RunState(plan, parts);
    this.writer = new JournalWriter({
      clock: env.clock,
      journal,
      takeRows: parts.takeRows,
      onAcknowledged: (block) => {
        this.disk.acknowledged(block);
        parts.onAcknowledged(block);
        this.soon();
      },
      onTrouble: (trouble) => {
        this.trouble = trouble?.message;
      },
      onLost: parts.onLost,
    });
    this.disk = new AfterDisk(this.writer);
  }

  /** By the clock on the wall, as events have it. */
  now(): number {
    return Math.floor(this.clock.wallNow());
  }

  emit(event: FlowEvent): void {
    if (this.stopped !== undefined) return;
    this.state.block = this.writer.filling;
    if (this.#isWritten(event)) this.writer.write(event, this.#isUrgent(event));
    this.state.apply(event);
  }

  control(control: Control): void {
    this.emit({ kind: "control", at: this.now(), control });
  }

  /** A turn comes, one for all that happens until then. */
  soon(): void {
    if (this.#turnComing || this.stopped !== undefined) return;
    this.#turnComing = true;
    this.clock.soon(() => {
      this.#turnComing = false;
      if (this.stopped === undefined) this.#turn();
    });
  }

  /** Settles once all that has happened so far is on disk; rejects where it will not be. */
  onDisk(): Promise<void> {
    if (this.stopped !== undefined) return Promise.reject(this.stopped);
    this.soon();
    return new Promise((resolve, reject) => this.disk.later(resolve, () => reject(this.stopped)));
  }

  /** Throws where nothing more is taken in. */
  refuseWhereOver(): void {
    this.refuseWhereEnded();
    const { finished } = this.state;
    if (finished !== undefined) throw new Fault("invalid", `run '${this.run}' is over; begin another`);
  }

  /** Throws where nothing may go through again either. */
  refuseWhereEnded(): void {
    if (this.stopped !== undefined) throw this.stopped;
    const { cancelled } = this.state;
    if (cancelled !== "") throw new Fault("cancelled", `run '${this.run}' was cancelled: ${cancelled}`);
  }

  /** Of the edge that a task came by. */
  policyAt(task: number): EdgePolicy {
    return policyOf(this.plan, this.state.tasks.get(task)?.edge ?? 0);
  }

  /** That an attempt begins is waited for only where its edge says so. */
  #isUrgent(event: FlowEvent): boolean {
    return event.kind !== "leased" || this.policyAt(event.task).durability === "each";
  }

  /** A hop along an edge whose durability is `none` is not written, nor an attempt there, unless parts or ends come of it. */
  #isWritten(event: FlowEvent): boolean {
    if (event.kind === "leased") {
      const task = this.state.tasks.get(event.task);
      return task === undefined || policyOf(this.plan, task.edge).durability !== "none";
    }
    if (event.kind !== "completed" || event.split || event.undo !== undefined) return true;
    const [only] = event.deliveries;
    if (only === undefined || event.deliveries.length !== 1 || only.edge < 0) return true;
    const edge = this.plan.graph.edges[only.edge];
    const isStep = edge !== undefined && this.plan.nodes[edge.to]?.kind === "step";
    return !isStep || policyOf(this.plan, only.edge).durability !== "none";
  }
}
