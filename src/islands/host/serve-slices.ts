// The thread in which a host evaluates: so that a candidate that never comes back takes nothing else with it.

import { openSync, writeSync } from "node:fs";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { systemEnv } from "unum";
import { runSlice, type SliceReply, type SliceRequest } from "../archipelago/host.ts";
import type { Watch } from "../evaluator.ts";
import { asError, Fault } from "../fault.ts";
import type { Island } from "../island.ts";
import type { Problem } from "../problem.ts";
import { withoutExit } from "./no-exit.ts";
import { BREEDING, PROGRESS, type WorkerAnswer, type WorkerStart, type WorkerTask } from "./worker-messages.ts";

/** The problem that a request names, JSON; asked once for each. */
export type LoadProblem = (problem: string, evaluationMs: number) => Problem | Promise<Problem>;

/** What this thread was made for; undefined where it is no thread of a host. */
export function workerStart(): WorkerStart | undefined {
  const given: unknown = workerData;
  if (isMainThread || typeof given !== "object" || given === null || !("islandHost" in given)) return undefined;
  // Made by the host that starts this thread.
  return given as WorkerStart;
}

/** Answers the host of this thread until it is ended. */
export function serveSlices({ progress, progressFile }: WorkerStart, load: LoadProblem): void {
  const shared = new Int32Array(progress);
  const slices = new Slices(load);
  const file = progressFile === undefined ? undefined : openSync(progressFile, "w");
  parentPort?.on("message", async ({ barred, ...task }: WorkerTask) => {
    const watch = watchIn(shared, new Map(barred.map(({ candidate, why }) => [candidate, why])), file);
    const answer = await slices.answer(task, watch);
    shared[PROGRESS.active] = 0;
    parentPort?.postMessage(answer);
  });
}

function watchIn(progress: Int32Array, barred: ReadonlyMap<string, string>, file: number | undefined): Watch {
  let generation = 0;
  const place = new Int32Array(2);
  const began = (index: number, count = 1) => {
    progress[PROGRESS.active] = 1;
    progress[PROGRESS.generation] = generation;
    progress[PROGRESS.index] = index;
    progress[PROGRESS.together] = count;
    progress[PROGRESS.turns] = ((progress[PROGRESS.turns] ?? 0) + 1) | 0;
    if (file === undefined) return;
    // Outlasts the process, which shared memory does not.
    place.set([generation, index]);
    writeSync(file, place, 0, place.byteLength, 0);
  };
  return {
    began,
    breeds: () => began(BREEDING),
    quarantine: () => {},
    recovered: () => {},
    asked: () => {
      generation++;
    },
    barred: (index) => (barred.size === 0 ? undefined : barred.get(`${generation} ${index}`)),
  };
}

const KNOWN_LIMIT = 64;

/** Slices one after the other, with what can be kept from one to the next. */
export class Slices {
  readonly #load: LoadProblem;
  readonly #clock = systemEnv().clock;
  readonly #problems = new Map<string, Promise<Problem>>();
  /** The last state of each island with the object it is of, so that it need not be made anew. */
  readonly #known = new Map<string, { readonly state: Uint8Array; readonly island: Island }>();

  constructor(load: LoadProblem) {
    this.#load = load;
  }

  async answer({ problem, evaluationMs, request }: Omit<WorkerTask, "barred">, watch?: Watch): Promise<WorkerAnswer> {
    try {
      let made = this.#problems.get(problem);
      if (made === undefined) {
        made = Promise.resolve(this.#load(problem, evaluationMs));
        this.#problems.set(problem, made);
      }
      return { reply: await this.#slice(await made, request, watch) };
    } catch (thrown) {
      const error = asError(thrown);
      return { failure: { code: error instanceof Fault ? error.code : "internal", message: error.message } };
    }
  }

  async #slice(problem: Problem, request: SliceRequest, watch: Watch | undefined): Promise<SliceReply> {
    const key = `${request.seed} ${request.island}`;
    const last = this.#known.get(key);
    this.#known.delete(key);
    const isIts = last !== undefined && request.state !== undefined && Buffer.compare(last.state, request.state) === 0;
    const from = { now: () => this.#clock.now(), island: isIts ? last.island : undefined };
    const { reply, island } = await withoutExit(() => runSlice(problem, request, from, watch));
    if (this.#known.size >= KNOWN_LIMIT) this.#known.clear();
    this.#known.set(key, { state: reply.state, island });
    return reply;
  }
}
