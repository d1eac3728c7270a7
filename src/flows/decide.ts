// What follows from what happened: pure functions from the state of a task to the event that is written next.

import { asError } from "../base/fault.ts";
import type { Delivery, FlowEvent } from "./events.ts";
import type { JoinNode } from "./graph.ts";
import { combineBatch, combineParts, deliveriesFrom, type Gathered, type Plan } from "./plan.ts";
import type { StepPolicy } from "./policy.ts";
import type { Task } from "./task.ts";

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: "done"; readonly values: readonly Uint8Array[] }
  /** `final`: another attempt cannot help. */
  | { readonly kind: "failed"; readonly reason: string; readonly final: boolean }
  | { readonly kind: "timed out"; readonly reason: string };

/** `chance`: uniform in [0, 1). */
export function afterAttempt(plan: Plan, task: Task, outcome: Outcome, at: number, chance: number): FlowEvent {
  const node = plan.nodes[task.node];
  if (node?.kind !== "step") throw new RangeError(`task ${task.id} is at no step`);
  if (outcome.kind === "done") {
    const hops = task.hops;
    const times = hops === undefined ? undefined : (edge: number) => hops.get(edge) ?? 0;
    const deliveries = outcome.values.flatMap((value) => deliveriesFrom(plan, task.node, value, times));
    const undo = node.undo === undefined ? undefined : outcome.values[0];
    return { kind: "completed", at, task: task.id, split: plan.splits[task.node] ?? false, undo, deliveries };
  }
  const over = (outcome.kind === "failed" && outcome.final) || task.attempt >= node.policy.attempts;
  const retryAt = over ? 0 : at + backoffMs(node.policy, task.attempt, chance);
  const cause = outcome.kind === "failed" ? "fail" : "time out";
  return { kind: "failed", at, task: task.id, cause, reason: outcome.reason, retryAt };
}

/** The last step that is not undone yet: undone, to be tried again, or given up. */
export function afterUndo(plan: Plan, task: Task, outcome: Outcome, at: number, chance: number): FlowEvent {
  const event = { kind: "undo" as const, at, task: task.id };
  if (outcome.kind === "done") return { ...event, reason: "", retryAt: 0 };
  const node = plan.nodes[task.node];
  if (node?.kind !== "step") throw new RangeError(`task ${task.id} is at no step`);
  const over = (outcome.kind === "failed" && outcome.final) || task.attempt >= node.policy.attempts;
  const reason = `step '${node.name}' is not undone: ${outcome.reason}`;
  return { ...event, reason, retryAt: over ? 0 : at + backoffMs(node.policy, task.attempt, chance) };
}

/** Doubles from the first pause to the longest; between half of it and all of it, so that what failed together does not come back together. */
export function backoffMs({ backoffMs: [first, longest] }: StepPolicy, attempt: number, chance: number): number {
  const full = Math.min(longest, first * 2 ** Math.min(attempt - 1, 40));
  return Math.ceil(full / 2 + (full / 2) * chance);
}

/** All parts of a split item have ended; undefined where it waits for somebody to mend one of them. */
export function whenTogether(plan: Plan, task: Task, at: number): FlowEvent | undefined {
  const parked = task.parked ?? [];
  const came = new Map<number, Gathered[]>();
  for (const { edge, value } of parked) {
    const { to = -1, branch = "" } = plan.graph.edges[edge] ?? {};
    const parts = came.get(to) ?? [];
    parts.push({ branch, value });
    came.set(to, parts);
  }
  const joins = joinsOf(plan, task, came);
  const ended = (as: "done" | "dead", reason: string): FlowEvent => ({ kind: "ended", at, task: task.id, as, reason });
  if (task.lost > 0) {
    const why = `${task.lost} of its parts ended without a result`;
    if (joins.some(({ lost }) => lost === "wait")) return undefined;
    if (joins.length === 0) return ended("dead", why);
    if (joins.some(({ lost }) => lost === "fail"))
      return ended("dead", `${why}, and join '${joins[0]?.name}' needs all of them`);
  }
  if (joins.length === 0) return ended("done", "");
  try {
    const deliveries: Delivery[] = [];
    for (const join of joins) {
      for (const value of combineParts(join, came.get(join.id) ?? [], task.lost)) {
        deliveries.push(...deliveriesFrom(plan, join.id, value, undefined));
      }
    }
    const [first] = joins;
    const split =
      joins.length > 1 || (first !== undefined && (first.by !== undefined || (plan.splits[first.id] ?? false)));
    return { kind: "joined", at, task: task.id, split, deliveries };
  } catch (thrown) {
    return ended("dead", `join '${joins[0]?.name}' threw ${asError(thrown).message}`);
  }
}

/** Those that something came to; where nothing came to any, the first that could have. */
function joinsOf(plan: Plan, task: Task, came: ReadonlyMap<number, unknown>): JoinNode[] {
  const found: JoinNode[] = [];
  for (const id of came.keys()) {
    const node = plan.nodes[id];
    if (node?.kind === "join") found.push(node);
  }
  return found.length > 0 ? found : (plan.closing[task.node] ?? []).slice(0, 1);
}

/** What a join of the run, or a batch, lets go on. `taken`: the first so many of what it holds. */
export function whenGathered(plan: Plan, id: number, held: readonly Gathered[], taken: number, at: number): FlowEvent {
  const node = plan.nodes[id];
  const parts = held.slice(0, taken);
  let results: Delivery[][];
  try {
    const values =
      node?.kind === "join"
        ? combineParts(node, parts, 0)
        : node?.kind === "batch"
          ? [
              combineBatch(
                node,
                parts.map(({ value }) => value),
              ),
            ]
          : [];
    results = values.map((value) => deliveriesFrom(plan, id, value, undefined));
  } catch (thrown) {
    const reason = `${node?.kind} '${node?.name}' threw ${asError(thrown).message}`;
    results = [[{ edge: -1, value: new Uint8Array(0), reason }]];
  }
  return { kind: "gathered", at, node: id, taken, results };
}
