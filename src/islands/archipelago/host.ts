// Where islands live: one slice of one island's epoch at a time, in this process or any other.
//
// Invariants
//   H1. The answer depends on the request alone, apart from where a slice ends: so a request whose host died is asked again
//       elsewhere, and nobody can tell.

import type { Individual } from "../engines/engine.ts";
import type { Quarantined } from "../evaluator.ts";
import { type EpochTask, Island, type IslandFigures } from "../island.ts";
import type { Problem } from "../problem.ts";

export interface SliceRequest {
  /** Names the island for people and for who keeps it at hand. */
  readonly island: string;
  /** Its name; another than that of the state takes over where an epoch begins. */
  readonly engine: string;
  readonly seed: number;
  readonly lane: number;
  /** As the last slice left it; undefined at its beginning. */
  readonly state: Uint8Array | undefined;
  readonly task: EpochTask;
  /** How long a slice goes on, in ms; a generation always ends. */
  readonly sliceMs: number;
}

export interface SliceReply {
  readonly state: Uint8Array;
  /** Whether the epoch is over; then the emigrants have left. */
  readonly over: boolean;
  readonly emigrants: readonly Individual[];
  /** What a proposer is shown, where one is to be asked. */
  readonly parents: readonly Individual[];
  readonly best: Individual | undefined;
  readonly figures: IslandFigures;
  readonly quarantined: readonly Quarantined[];
  readonly quarantinedCount: number;
  /** What evaluates was lost and is there again, each time in words. */
  readonly recovered: readonly string[];
  /** Of several objectives: what none dominates. */
  readonly front: readonly Individual[];
}

export interface Hosts {
  /** Settles with the reply, whatever hosts die meanwhile. Rejects where the signal aborts, or with a Fault that ends the search. */
  evolve(request: SliceRequest, signal: AbortSignal): Promise<SliceReply>;
  close(): Promise<void>;
}

/** Runs one slice: what every host does in the end. `now` in ms. */
export async function runSlice(
  problem: Problem,
  request: SliceRequest,
  { now, island: known }: { readonly now: () => number; readonly island?: Island | undefined },
  watch?: Parameters<Island["evolve"]>[2],
): Promise<{ readonly reply: SliceReply; readonly island: Island }> {
  const { engine, seed, lane, state, task } = request;
  const island =
    known ?? (state === undefined ? Island.begin(problem, engine, seed, lane) : Island.resume(problem, engine, state));
  island.assign(engine);
  const until = now() + request.sliceMs;
  const over = await island.evolve(task, () => now() >= until, watch);
  const emigrants = over ? island.emigrants(task.emigrants, task.selection) : [];
  const { count, selection } = task.parents ?? { count: 0, selection: "best" as const };
  const parents = over ? island.parents(count, selection) : [];
  return {
    island,
    reply: {
      state: island.save(),
      over,
      emigrants,
      parents,
      best: island.best,
      figures: island.figures(),
      quarantined: island.takeQuarantined(),
      quarantinedCount: island.quarantinedCount,
      recovered: island.takeRecovered(),
      front: over && problem.space.objectives > 1 ? island.front() : [],
    },
  };
}

/** All islands in this process, one slice after the other. `turn`: lets whatever else the process does have its turn before each. */
export function ownHosts(problem: Problem, now: () => number, turn?: () => Promise<void>): Hosts {
  return {
    evolve: async (request, signal) => {
      await turn?.();
      signal.throwIfAborted();
      return (await runSlice(problem, request, { now })).reply;
    },
    close: () => problem.evaluator.close(),
  };
}
