// Attempts: given to workers while there are places, watched while they are under way, and what follows from how they end.
//
// Invariants
//   A1. An outcome counts only for the attempt that is under way (its `Work`); all others are counted as late.
//   A2. Nothing is given away before it is on disk that this router has opened the run: so no two routers have one epoch, and a key
//       (epoch, task, step, attempt) is never another item's, though the numbers of tasks that a crash took are given again.

import type { Timer } from "../../base/clock.ts";
import { afterAttempt, type Outcome } from "../decide.ts";
import type { StepNode } from "../graph.ts";
import { policyOf } from "../plan.ts";
import type { Task } from "../task.ts";
import type { Work } from "../workers/workers.ts";
import type { RouterCore } from "./core.ts";
import { Deadlines } from "./deadlines.ts";
import type { Dispatch } from "./dispatch.ts";

export class Attempts {
  readonly #core: RouterCore;
  readonly #dispatch: Dispatch;
  readonly #told: (task: Task) => void;
  readonly #deadlines: Deadlines;
  readonly #underWay = new Map<number, Work>();
  /** Leases that must be on disk before their call. */
  readonly #heldBack: { readonly block: number; readonly works: Work[] }[] = [];
  /** The last step first: what is nearly through goes before what begins. */
  readonly #steps: readonly StepNode[];
  readonly #pauses = new Set<Timer>();
  #rate: Timer | undefined;
  /** Outcomes that came for an attempt that was over. */
  late = 0;

  /** `told`: a step has said how far it is. */
  constructor(core: RouterCore, dispatch: Dispatch, told: (task: Task) => void) {
    this.#core = core;
    this.#dispatch = dispatch;
    this.#told = told;
    this.#steps = core.plan.nodes.filter((node) => node.kind === "step").reverse();
    this.#deadlines = new Deadlines(
      core.clock,
      (work) => this.#underWay.get(work.task) === work,
      (work, why) => this.#over(work, why),
    );
  }

  get open(): number {
    return this.#underWay.size;
  }

  /** Begins as many as there are places for; `taken` places are others'. */
  give(taken: number): void {
    const { state, clock, workers } = this.#core;
    if (state.paused || state.cancelled !== "" || this.#core.openedIn > this.#core.writer.acknowledged) return;
    const now = clock.now();
    let places = workers.places - this.#underWay.size - taken;
    for (const step of this.#steps) {
      if (places <= 0) break;
      if (state.tally.waiting(step.id) === 0) continue;
      const room = Math.min(places, step.policy.concurrency - state.tally.running(step.id), workers.room(step));
      const works = this.#take(step, room, now);
      if (works.length === 0) continue;
      places -= works.length;
      const each = works.filter(({ task }) => this.#core.policyAt(task).durability === "each");
      if (each.length > 0) this.#heldBack.push({ block: this.#core.writer.filling, works: each });
      this.#perform(each.length === 0 ? works : works.filter((work) => !each.includes(work)));
    }
    const waitMs = this.#dispatch.waitMs(now);
    this.#rate?.cancel();
    if (waitMs !== undefined) this.#rate = clock.after(waitMs, () => this.#core.soon());
  }

  /** Those whose beginning had to be on disk first. */
  acknowledged(block: number): void {
    while (this.#heldBack[0] !== undefined && this.#heldBack[0].block <= block) {
      const { works } = this.#heldBack.shift() ?? { works: [] };
      this.#perform(works.filter((work) => this.#underWay.get(work.task) === work));
    }
  }

  /** Its outcome does not matter any more, where it is under way. */
  withdraw(task: number): void {
    const work = this.#underWay.get(task);
    if (work === undefined) return;
    this.#close(work);
    this.#core.workers.withdraw(work);
  }

  /** Tries again when its pause is over. */
  retryAt(task: Task): void {
    const { state, clock } = this.#core;
    const { sequence } = task;
    const timer = clock.after(Math.max(0, task.dueAt - this.#core.now()), () => {
      this.#pauses.delete(timer);
      if (task.state !== "retrying" || task.sequence !== sequence) return;
      state.due(task, this.#core.now());
      this.#core.soon();
    });
    this.#pauses.add(timer);
  }

  stop(): void {
    this.#deadlines.stop();
    for (const timer of this.#pauses) timer.cancel();
    this.#rate?.cancel();
  }

  #take(step: StepNode, room: number, now: number): Work[] {
    const works: Work[] = [];
    while (works.length < room) {
      const task = this.#dispatch.next(step.id, this.#core.writer.acknowledged, now);
      if (task === undefined) break;
      this.#core.emit({ kind: "leased", at: this.#core.now(), task: task.id });
      this.#dispatch.promise(step.id, 1);
      const { id, attempt, value, epoch } = task;
      const { balance } = policyOf(this.#core.plan, task.edge);
      const affinity = balance === "key" ? task.key || String(task.root) : balance === "local" ? "local" : "";
      const key = `${this.#core.run}/${epoch}.${id}/${step.id}/${task.sequence}`;
      const work: Work = { task: id, attempt, node: step, value, key, affinity };
      this.#underWay.set(id, work);
      works.push(work);
    }
    return works;
  }

  #perform(works: readonly Work[]): void {
    if (works.length > 0) this.#core.workers.perform(works, this.#settling);
  }

  readonly #settling = {
    began: (work: Work) => this.#deadlines.began(work),
    settled: (work: Work, outcome: Outcome) => this.#settled(work, outcome),
    reported: (work: Work, progress: number | undefined, note: string) => this.#reported(work, progress, note),
  };

  #settled(work: Work, outcome: Outcome): void {
    if (!this.#close(work)) {
      this.late++;
      return;
    }
    const { state, stopped, plan, random } = this.#core;
    const task = state.tasks.get(work.task);
    if (task === undefined || stopped !== undefined) return;
    this.#core.emit(afterAttempt(plan, task, outcome, this.#core.now(), random.float()));
    if (task.state === "retrying") this.retryAt(task);
    this.#core.soon();
  }

  #over(work: Work, why: string): void {
    this.#core.workers.withdraw(work);
    this.#settled(work, { kind: "timed out", reason: why });
  }

  #reported(work: Work, progress: number | undefined, note: string): void {
    const { state } = this.#core;
    const task = state.tasks.get(work.task);
    if (this.#underWay.get(work.task) !== work || task === undefined) return;
    this.#deadlines.heard(work);
    if (task.state === "leased") state.report(task, this.#core.now());
    // A step that is 200 % done is done; one that is less than nothing has not begun.
    task.progress = progress === undefined || Number.isNaN(progress) ? undefined : Math.min(1, Math.max(0, progress));
    task.note = note === "" ? undefined : note.slice(0, 200);
    this.#told(task);
  }

  /** False: it was not under way any more. */
  #close(work: Work): boolean {
    if (this.#underWay.get(work.task) !== work) return false;
    this.#underWay.delete(work.task);
    this.#deadlines.ended(work);
    this.#dispatch.promise(work.node.id, -1);
    return true;
  }
}
