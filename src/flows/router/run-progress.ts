// How a run stands, in numbers.

import type { Plan } from "../plan.ts";
import type { EdgePolicy } from "../policy.ts";
import type { RunState } from "../run-state.ts";
import type { NodeCounts } from "../tally.ts";
import type { State } from "../task.ts";

export interface EdgeCounts {
  readonly name: string;
  /** Waiting or worked on, and their bytes. */
  readonly items: number;
  readonly bytes: number;
  readonly policy: EdgePolicy;
}

export interface RunProgress {
  readonly nodes: readonly NodeCounts[];
  readonly edges: readonly EdgeCounts[];
  readonly states: Readonly<Record<State, number>>;
  /** Submitted without a key, so far. */
  readonly submitted: number;
  /** Whole items, so far, and how many of them have ended. */
  readonly items: number;
  readonly ended: number;
  readonly dead: number;
  /** Items that ended without a result: whose steps are being undone, and those whose are. */
  readonly undoing: number;
  readonly undone: number;
  /** Outcomes that came for an attempt that was over. */
  readonly late: number;
  readonly paused: boolean;
  readonly closed: boolean;
  /** What keeps it from going on, where something does. */
  readonly trouble: string | undefined;
  /** Why it was cancelled; "" where it was not. */
  readonly cancelled: string;
  readonly finished: "done" | "failed" | "cancelled" | undefined;
}

/** What the state alone says; what its router knows besides is handed in. */
export function progressOf(
  state: RunState,
  { late, trouble }: { readonly late: number; readonly trouble: string | undefined },
): RunProgress {
  const { tally, gathered, plan, submitted, paused, closed, cancelled, finished } = state;
  return {
    nodes: tally.nodes((node) => gathered[node]?.length ?? 0),
    edges: edgesOf(plan, tally),
    states: { ...tally.states },
    ...{ submitted, items: tally.roots, ended: tally.rootsEnded, dead: tally.states.dead },
    ...{ undoing: tally.states.undoing, undone: tally.states.undone },
    ...{ late, paused, closed, trouble, cancelled, finished },
  };
}

function edgesOf({ graph, policies }: Plan, { items, bytes }: RunState["tally"]): EdgeCounts[] {
  return graph.edges.map(({ id, name, policy }) => ({
    ...{ name, items: items[id] ?? 0, bytes: bytes[id] ?? 0, policy: policies[id] ?? policy },
  }));
}
