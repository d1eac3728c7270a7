// Following one task live: every change of its state, in order, without a gap, once the journal has it.

import { Fault } from "unum";
import type { State, Task } from "./task.ts";

export interface TaskStatus {
  readonly task: number;
  readonly state: State;
  /** Name of the node where it is. */
  readonly at: string;
  readonly attempt: number;
  /** Counts the changes of this task: each is the one before plus 1. A report of progress has the number of the state it is in. */
  readonly sequence: number;
  /** By the clock on the wall, in ms. */
  readonly changedAt: number;
  readonly reason: string;
  /** 0 … 1, as the step says; undefined where it has not said. */
  readonly progress: number | undefined;
  readonly note: string | undefined;
}

/** Changes that wait for a reader who does not read; one more ends the subscription. */
const BEHIND_LIMIT = 10_000;

interface Subscription {
  readonly task: number;
  /** The block that must be on disk before it is told. */
  readonly pending: { block: number; status: TaskStatus }[];
  readonly ready: TaskStatus[];
  wake: (() => void) | undefined;
  ended: Fault | "done" | undefined;
}

export class Subscriptions {
  readonly #byTask = new Map<number, Set<Subscription>>();

  get isEmpty(): boolean {
    return this.#byTask.size === 0;
  }

  changed(task: Task, status: () => TaskStatus, block: number, isLast: boolean): void {
    for (const subscription of this.#byTask.get(task.id) ?? []) {
      subscription.pending.push({ block, status: status() });
      if (isLast) this.#byTask.get(task.id)?.delete(subscription);
      if (subscription.pending.length + subscription.ready.length > BEHIND_LIMIT) {
        subscription.ended = new Fault(
          "overloaded",
          `${BEHIND_LIMIT} changes of task ${task.id} were not read; follow it anew`,
        );
        this.#byTask.get(task.id)?.delete(subscription);
        subscription.wake?.();
      }
      if (isLast) this.#closing.add(subscription);
    }
    if (this.#byTask.get(task.id)?.size === 0) this.#byTask.delete(task.id);
  }

  /** Told their last, and waiting for the disk. */
  readonly #closing = new Set<Subscription>();

  acknowledged(block: number): void {
    if (this.#byTask.size === 0 && this.#closing.size === 0) return;
    for (const set of this.#byTask.values()) for (const subscription of set) release(subscription, block);
    for (const subscription of this.#closing) {
      release(subscription, block);
      if (subscription.pending.length > 0) continue;
      this.#closing.delete(subscription);
      subscription.ended ??= "done";
      subscription.wake?.();
    }
  }

  /** The router ends; followers are told. */
  close(why: Fault): void {
    for (const set of [...this.#byTask.values(), this.#closing]) {
      for (const subscription of set) {
        subscription.ended ??= why;
        subscription.wake?.();
      }
    }
    this.#byTask.clear();
    this.#closing.clear();
  }

  async *follow(task: number, now: TaskStatus, isOver: boolean): AsyncGenerator<TaskStatus> {
    if (isOver) {
      yield now;
      return;
    }
    const subscription: Subscription = { task, pending: [], ready: [now], wake: undefined, ended: undefined };
    const set = this.#byTask.get(task) ?? new Set();
    this.#byTask.set(task, set.add(subscription));
    try {
      for (;;) {
        for (let status = subscription.ready.shift(); status !== undefined; status = subscription.ready.shift())
          yield status;
        if (subscription.ended === "done") return;
        if (subscription.ended !== undefined) throw subscription.ended;
        await new Promise<void>((resolve) => {
          subscription.wake = resolve;
        });
        subscription.wake = undefined;
      }
    } finally {
      set.delete(subscription);
      this.#closing.delete(subscription);
      if (set.size === 0 && this.#byTask.get(task) === set) this.#byTask.delete(task);
    }
  }
}

function release(subscription: Subscription, block: number): void {
  let released = 0;
  for (const { block: needed, status } of subscription.pending) {
    if (needed > block) break;
    subscription.ready.push(status);
    released++;
  }
  if (released === 0) return;
  subscription.pending.splice(0, released);
  subscription.wake?.();
}
