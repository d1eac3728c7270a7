// Undoing the steps of items that ended without a result: one step after the other, the last one first, until all are undone or one
// cannot be.
//
//   dead, expired, cancelled ──▶ undo of the last step ──▶ … ──▶ undo of the first ──▶ undone
//                                    └─ fails: again after a pause, in the end dead; 'retry' goes on from there
//
// Invariants
//   U1. A step is undone after all that were done later, those of the item's other parts among them.
//   U2. That a step is undone is written down before the next one is begun: after a crash at most one is undone again.

import type { UnaryMethod } from "unum";
import type { Timer } from "../../base/clock.ts";
import { afterUndo, type Outcome } from "../decide.ts";
import type { StepNode } from "../graph.ts";
import type { Task } from "../task.ts";
import type { Work } from "../workers/workers.ts";
import type { RouterCore } from "./core.ts";
import { Deadlines } from "./deadlines.ts";

export class Undoing {
  readonly #core: RouterCore;
  readonly #deadlines: Deadlines;
  readonly #underWay = new Map<number, Work>();
  /** By step: it as a worker sees it, with its undo in place of its work. */
  readonly #steps: readonly (StepNode | undefined)[];
  readonly #pauses = new Set<Timer>();

  constructor(core: RouterCore) {
    this.#core = core;
    this.#steps = core.plan.nodes.map((node) =>
      node.kind === "step" && node.undo !== undefined ? undoOf(node, node.undo) : undefined,
    );
    this.#deadlines = new Deadlines(
      core.clock,
      (work) => this.#underWay.get(work.task) === work,
      (work, reason) => {
        core.workers.withdraw(work);
        this.#settled(work, { kind: "timed out", reason });
      },
    );
  }

  get open(): number {
    return this.#underWay.size;
  }

  /** What was under way when the router before this one ended is begun again, when its pause is over. */
  opened(): void {
    const { state } = this.#core;
    const pausing = state.toUndo.filter(({ dueAt }) => dueAt > 0);
    state.toUndo = state.toUndo.filter(({ dueAt }) => dueAt === 0);
    for (const task of pausing) this.#later(task);
  }

  /** Begins as many as there are places for; `taken` places are others'. A run that is cancelled undoes nevertheless, a paused one waits. */
  give(taken: number): void {
    const { state, workers, writer } = this.#core;
    if (state.paused || state.toUndo.length === 0) return;
    const room = Math.max(0, workers.places - this.#underWay.size - taken);
    const works: Work[] = [];
    // That it ended, and what was undone before, is on its way to the disk: it is waited for (U2).
    const ready = state.toUndo.filter(({ block }) => block <= writer.acknowledged).slice(0, room);
    if (ready.length === 0) return;
    const begun = new Set(ready);
    state.toUndo = state.toUndo.filter((task) => !begun.has(task));
    for (const task of ready) {
      const work = this.#workOf(task);
      if (work === undefined) this.#cannot(task);
      else works.push(work);
    }
    if (works.length > 0) workers.perform(works, this.#settling);
  }

  stop(): void {
    this.#deadlines.stop();
    for (const timer of this.#pauses) timer.cancel();
  }

  #workOf(task: Task): Work | undefined {
    const { steps = [] } = task.undo ?? {};
    const last = steps.at(-1);
    const node = last === undefined ? undefined : this.#steps[last.node];
    if (last === undefined || node === undefined) return undefined;
    // The same for all attempts to undo the same thing.
    const key = `${this.#core.run}/${task.id}/${node.id}/undo ${steps.length}`;
    const work: Work = { task: task.id, attempt: task.attempt, node, value: last.value, key, affinity: "" };
    this.#underWay.set(task.id, work);
    return work;
  }

  /** The version that goes on with the run knows no undo of a step that was done by one that did. */
  #cannot(task: Task): void {
    const reason = `step '${this.#core.plan.nodes[task.node]?.name}' is not undone: this version of the flow does not say how`;
    this.#core.emit({ kind: "undo", at: this.#core.now(), task: task.id, reason, retryAt: 0 });
  }

  readonly #settling = {
    began: (work: Work) => this.#deadlines.began(work),
    settled: (work: Work, outcome: Outcome) => this.#settled(work, outcome),
    reported: () => {},
  };

  #settled(work: Work, outcome: Outcome): void {
    if (this.#underWay.get(work.task) !== work) return;
    this.#underWay.delete(work.task);
    this.#deadlines.ended(work);
    const { state, stopped, plan, random } = this.#core;
    const task = state.tasks.get(work.task);
    if (task === undefined || stopped !== undefined) return;
    this.#core.emit(afterUndo(plan, task, outcome, this.#core.now(), random.float()));
    if (task.state === "undoing" && task.dueAt > 0) this.#later(task);
    this.#core.soon();
  }

  #later(task: Task): void {
    const { state, clock } = this.#core;
    const timer = clock.after(Math.max(0, task.dueAt - this.#core.now()), () => {
      this.#pauses.delete(timer);
      if (task.state !== "undoing") return;
      state.toUndo.push(task);
      this.#core.soon();
    });
    this.#pauses.add(timer);
  }
}

function undoOf(step: StepNode, undo: UnaryMethod): StepNode {
  const policy = { ...step.policy, heartbeatMs: Number.POSITIVE_INFINITY };
  return { ...step, method: undo, input: undo.input, output: undo.output, policy };
}
