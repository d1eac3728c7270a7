// Rows of tasks that changed: they wait for others, and go along with a block of the journal now and then.

import type { Clock, Timer } from "../../base/clock.ts";
import type { TaskRow } from "../journal/journal.ts";
import { isOver } from "../run-state.ts";
import { STATES, type Task } from "../task.ts";

/** Rows wait so long, or for so many, to be written together. */
const AFTER_MS = 250;
const AT_ONCE = 4_096;

export class ChangedRows {
  readonly #clock: Clock;
  /** Its row stands for it from here on. */
  readonly #forget: (task: Task) => void;
  readonly #due: () => void;
  #dirty: Task[] = [];
  #takenAt = 0;
  #wanted = false;
  #timer: Timer | undefined;

  constructor(clock: Clock, { forget, due }: { readonly forget: (task: Task) => void; readonly due: () => void }) {
    this.#clock = clock;
    this.#forget = forget;
    this.#due = due;
  }

  get isEmpty(): boolean {
    return this.#dirty.length === 0;
  }

  changed(task: Task, isReplayed: boolean): void {
    if (!task.dirty) {
      task.dirty = true;
      this.#dirty.push(task);
    }
    if (isReplayed) return;
    this.#timer ??= this.#clock.after(AFTER_MS * 2, () => {
      this.#timer = undefined;
      this.#due();
    });
  }

  /** While a journal is read back: what is over needs no memory. */
  forgetOver(): void {
    this.#dirty = this.#dirty.filter((task) => {
      if (!isOver(task)) return true;
      task.dirty = false;
      this.#forget(task);
      return false;
    });
  }

  /** With the next block, however few there are. */
  want(): void {
    this.#wanted = true;
  }

  /** Those to go along with the block that is about to be written; undefined where they wait for more. */
  take(): readonly TaskRow[] | undefined {
    const now = this.#clock.now();
    if (!this.#wanted && this.#dirty.length < AT_ONCE && now - this.#takenAt < AFTER_MS) return undefined;
    this.#takenAt = now;
    this.#wanted = false;
    const rows = this.#dirty.map(rowOf);
    for (const task of this.#dirty) {
      task.dirty = false;
      // Rows are read behind the block that they go with.
      if (isOver(task)) this.#forget(task);
    }
    this.#dirty = [];
    return rows;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

function rowOf(task: Task): TaskRow {
  const { id, root, parent, node, attempt, sequence, createdAt, changedAt, reason, key } = task;
  const state = STATES.indexOf(task.state);
  return { id, root, parent, node, state, attempt, sequence, createdAt, changedAt, reason, key };
}
