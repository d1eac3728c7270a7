// Reading a run back from its journal without going on with it: how it stands, what happened to one task, what a task brought to a step.

import { readEvents } from "./event-codec.ts";
import { bareGraph } from "./graph-record.ts";
import type { JournalReader } from "./journal/journal.ts";
import { planOf } from "./plan.ts";
import { progressOf, type RunProgress } from "./router/run-progress.ts";
import { isOver, RunState } from "./run-state.ts";
import type { TaskStatus } from "./subscriptions.ts";
import type { Task } from "./task.ts";

/** As its journal has it. */
export async function readRun(reader: JournalReader): Promise<RunProgress> {
  const state = await replay(reader, () => {});
  return progressOf(state, { late: 0, trouble: undefined });
}

/** Every change of a task, in order. Empty where there is no such task. */
export async function historyOf(reader: JournalReader, id: number): Promise<TaskStatus[]> {
  const history: TaskStatus[] = [];
  const names = reader.record.graph.nodes.map(({ name }) => name);
  await replay(reader, (task) => {
    if (task.id !== id) return;
    const { state, node, attempt, sequence, changedAt, reason } = task;
    const at = names[node] ?? "";
    history.push({ task: id, state, at, attempt, sequence, changedAt, reason, progress: undefined, note: undefined });
  });
  return history;
}

/** What a task brought to a step when it came there last. */
export async function valueAt(
  reader: JournalReader,
  id: number,
  step: number,
): Promise<{ readonly edge: number; readonly value: Uint8Array } | undefined> {
  let found: { readonly edge: number; readonly value: Uint8Array } | undefined;
  await replay(reader, (task) => {
    if (task.id === id && task.node === step && task.state === "waiting")
      found = { edge: task.edge, value: task.value };
  });
  return found;
}

async function replay(reader: JournalReader, changed: (task: Task) => void): Promise<RunState> {
  const over: Task[] = [];
  const watching = {
    changed: (task: Task) => {
      changed(task);
      if (isOver(task)) over.push(task);
    },
    output: () => {},
  };
  const state = new RunState(planOf(bareGraph(reader.record.graph)), watching);
  for await (const { position, bytes } of reader.blocks(0)) {
    state.block = position;
    for (const event of readEvents(bytes)) state.apply(event);
    // What is over is in the counts; its memory is given back.
    for (const task of over.splice(0)) state.tasks.delete(task.id);
  }
  return state;
}
