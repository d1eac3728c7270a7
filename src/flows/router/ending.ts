// Ending what is under way because somebody says so, and trying again what is dead.

import { Fault } from "unum";
import { isOver } from "../run-state.ts";
import { hasEnded, type Task } from "../task.ts";
import type { Attempts } from "./attempts.ts";
import type { RouterCore } from "./core.ts";

/** Everything that is under way. */
export function cancelAll(core: RouterCore, attempts: Attempts, reason: string): void {
  const parts = partsByItem(core);
  const roots = [...core.state.tasks.values()].filter(
    (task) => task.parent === 0 && !hasEnded(task.state) && task.state !== "undoing",
  );
  for (const task of roots) cancelWithParts({ core, attempts, parts, reason }, task);
}

/** Parts first: an item ends when its parts have. */
export function cancelTree(core: RouterCore, attempts: Attempts, task: Task, reason: string): void {
  cancelWithParts({ core, attempts, parts: partsByItem(core), reason }, task);
}

interface Cancelling {
  readonly core: RouterCore;
  readonly attempts: Attempts;
  readonly parts: ReadonlyMap<number, readonly Task[]>;
  readonly reason: string;
}

function cancelWithParts(cancelling: Cancelling, task: Task): void {
  const { core, attempts, parts, reason } = cancelling;
  if (task.state === "split") {
    for (const part of parts.get(task.id) ?? []) if (!hasEnded(part.state)) cancelWithParts(cancelling, part);
  }
  attempts.withdraw(task.id);
  if (!isOver(task)) core.emit({ kind: "ended", at: core.now(), task: task.id, as: "cancelled", reason });
}

/** Looked up once for all: items do not know their parts. */
function partsByItem({ state }: RouterCore): Map<number, Task[]> {
  const parts = new Map<number, Task[]>();
  for (const task of state.tasks.values()) {
    if (task.parent === 0) continue;
    const known = parts.get(task.parent);
    if (known === undefined) parts.set(task.parent, [task]);
    else known.push(task);
  }
  return parts;
}

/** Why a task cannot be cancelled; undefined where it can. */
export function whyNotCancelled(task: Task | undefined, id: number): Fault | undefined {
  if (task?.state === "undoing")
    return new Fault("invalid", `task ${id} is being undone already; where that fails it is dead and can be cancelled`);
  if (task !== undefined && !isOver(task)) return undefined;
  return new Fault("not-found", `task ${id} is not under way; 'unum flow status' lists those that are`);
}

/** Why a task cannot try again; undefined where it can. */
export function whyNotRetried({ state }: RouterCore, id: number): Fault | undefined {
  const task = state.tasks.get(id);
  const no = (why: string) => new Fault("invalid", `task ${id} ${why}`);
  if (task?.state === "undone") return no("is undone; submit it anew, or replay it from a step");
  if (task?.state !== "dead") return no(`is ${task?.state ?? "not among the dead"}; only what is dead can be retried`);
  // What could not be undone is tried again, whatever came before.
  if (task.undo !== undefined) return undefined;
  const item = state.tasks.get(task.root);
  const isBack = item?.state === "undoing" || item?.state === "undone" || item?.state === "dead";
  if (isBack && item !== task && item.undo !== undefined)
    return no(`is a part of ${task.root}, whose steps are being undone; submit it anew`);
  if (task.edge < 0) return no(`never came to a step (${task.reason}); mend the flow and submit it anew`);
  if (task.parent === 0) return undefined;
  const parent = state.tasks.get(task.parent);
  if (parent?.state !== "split" && parent?.state !== "dead")
    return no(`is a part of ${task.parent}, which has gone on without it; replay the whole item`);
  if (parent.parent !== 0 && parent.state === "dead")
    return no(`is a part of a part that is given up; replay the whole item ${task.root}`);
  return undefined;
}
