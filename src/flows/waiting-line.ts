// What waits on one edge, first come, first served. One that was taken out of its turn is passed over when its turn comes.

import type { Task } from "./task.ts";

export class WaitingLine {
  #tasks: (Task | undefined)[] = [];
  #head = 0;

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** The first that waits still. */
  peek(): Task | undefined {
    for (; this.#head < this.#tasks.length; this.#head++) {
      const task = this.#tasks[this.#head];
      if (task?.state === "waiting" && task.held) return task;
      this.#tasks[this.#head] = undefined;
    }
    this.#tasks = [];
    this.#head = 0;
    return undefined;
  }

  shift(): Task | undefined {
    const task = this.peek();
    if (task === undefined) return undefined;
    this.#tasks[this.#head++] = undefined;
    // What was taken is given back now and then, at a cost that is constant for each.
    if (this.#head > 1024 && this.#head * 2 > this.#tasks.length) {
      this.#tasks = this.#tasks.slice(this.#head);
      this.#head = 0;
    }
    return task;
  }

  /** All that wait, in their order. */
  *[Symbol.iterator](): Generator<Task> {
    for (let index = this.#head; index < this.#tasks.length; index++) {
      const task = this.#tasks[index];
      if (task?.state === "waiting" && task.held) yield task;
    }
  }
}
