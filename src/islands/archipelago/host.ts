// Where islands live: one slice of one island's epoch at a time, in this process or any other.
//
// Invariants
//   H1. The answer depends on the request alone, apart from where a slice ends: so a request whose host died is asked again
//       elsewhere, and nobody can tell.

import type { Individual } from "../engines/engine.ts";
import type { Quarantined } from "../evaluator.ts";
import { Fault } from "../fault.ts";
import { type EpochTask, Island, type IslandFigures } from "../island.ts";
import type { Problem } from "../problem.ts";
import type { Space } from "../space.ts";
import { type Columns, fromColumns, toColumns } from "./columns.ts";

/** What is asked in so many epochs, one after the other. */
export interface StretchTask {
  readonly epochs: number;
  readonly task: Omit<EpochTask, "immigrants">;
}

export interface SliceRequest {
  /** Names the island for people and for who keeps it at hand. */
  readonly island: string;
  readonly seed: number;
  readonly lane: number;
  /** As the last slice left it; undefined at its beginning. */
  readonly state: Uint8Array | undefined;
  /** Of the epoch in hand, and of those after it: at least one epoch. */
  readonly tasks: readonly StretchTask[];
  /** Of each of those epochs. */
  readonly immigrants: Columns;
  /** Of the island since its beginning: none of the later epochs begins once it has had so many. */
  readonly evaluationsLimit: number;
  /** How long a slice goes on, in ms; a generation always ends. */
  readonly sliceMs: number;
  /** It was lost with its process before: to be evaluated in one that may be lost. */
  readonly isolated?: boolean;
}

/** Epochs that were over before the slice was. */
export interface Ended {
  /** After each, the least value of the first objective so far. */
  readonly bests: Float64Array;
  readonly emigrants: Columns;
}

export interface SliceReply {
  readonly ended: Ended;
  /** Of the epoch after those. */
  readonly state: Uint8Array;
  /** Whether that epoch is over; then the emigrants have left. */
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
  const { seed, lane, state, evaluationsLimit } = request;
  const tasks = epochTasks(request, problem.space);
  const [first] = tasks;
  if (first === undefined) throw new Fault("invalid", "the request has no task");
  if (problem.space.operators !== undefined) watch?.breeds();
  const begun = () => Island.begin(problem, first.engine, seed, lane);
  const island = known ?? (state === undefined ? begun() : Island.resume(problem, first.engine, state));
  const late = lateAfter(request.sliceMs, now);
  const bests: number[] = [];
  const left: (readonly Individual[])[] = [];
  let over = true;
  let emigrants: readonly Individual[] = [];
  let parents: readonly Individual[] = [];
  for (const task of tasks) {
    if (task !== first) {
      bests.push(island.best?.values[0] ?? Number.POSITIVE_INFINITY);
      left.push(emigrants);
    }
    over = await island.evolve(task, late, watch);
    emigrants = over ? island.emigrants(task.emigrants, task.selection) : [];
    const { count, selection } = task.parents ?? { count: 0, selection: "best" as const };
    parents = over ? island.parents(count, selection) : [];
    if (!over || late() || island.evaluations >= evaluationsLimit || island.reached(task.target)) break;
  }
  return {
    island,
    reply: {
      ended: { bests: Float64Array.from(bests), emigrants: toColumns(left) },
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

/** A look at the clock takes a hundredth of a short generation: it is looked again after so much, */
const LOOK_MS = 0.5;
/** and after so many generations at most, the next of which may take longer. */
const MOST_PASSED = 15;

/** Whether so many ms are over, asked after each generation. */
function lateAfter(ms: number, now: () => number): () => boolean {
  const until = now() + ms;
  let looked = now();
  let isLate = false;
  let pass = 0;
  let passed = 0;
  return () => {
    if (passed++ < pass) return isLate;
    const at = now();
    pass = at - looked < LOOK_MS ? Math.min(MOST_PASSED, 2 * pass + 1) : pass >> 1;
    passed = 0;
    looked = at;
    isLate = at >= until;
    return isLate;
  };
}

/** Throws the Fault `invalid` where there are not as many epochs as lists of who comes in them, or who comes is of another problem. */
function epochTasks(
  { tasks, immigrants }: Pick<SliceRequest, "tasks" | "immigrants">,
  { dimensions, objectives }: Space,
): readonly EpochTask[] {
  const mail = fromColumns(immigrants);
  const stranger = mail.flat().find(({ genes, values }) => genes.length !== dimensions || values.length !== objectives);
  if (stranger !== undefined) {
    const { genes, values } = stranger;
    throw new Fault(
      "invalid",
      `immigrants have ${genes.length} genes and ${values.length} values, the problem ${dimensions} and ${objectives}`,
    );
  }
  const asked = tasks.reduce((sum, { epochs }) => sum + epochs, 0);
  if (asked !== mail.length) {
    throw new Fault("invalid", `the request is of ${asked} epochs and has the immigrants of ${mail.length}`);
  }
  const each = tasks.flatMap(({ epochs, task }) => Array.from({ length: epochs }, () => task));
  return each.map((task, epoch) => ({ ...task, immigrants: mail[epoch] ?? [] }));
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
