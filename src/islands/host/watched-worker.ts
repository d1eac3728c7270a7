// A thread that evaluates, watched: what hangs, ends or grows without end is ended, and the slice is done again without the
// candidate that did it.
//
// Invariants
//   W1. A slice is answered, whatever its candidates do: each time the thread is lost, one candidate more is barred.
//   W2. The first time it is lost by its end or by its size, not by time, nobody is barred: that may be what others did.
//   W3. An operator of a genome that takes the thread is nobody's fault but the problem's: it ends the search.

import { Worker } from "node:worker_threads";
import { systemEnv } from "unum";
import { nextBeat, type Timer } from "../../base/clock.ts";
import type { SliceReply } from "../archipelago/host.ts";
import { asError, Fault } from "../fault.ts";
import {
  type BarredCandidate,
  BREEDING,
  PROGRESS,
  type WorkerAnswer,
  type WorkerStart,
  type WorkerTask,
} from "./worker-messages.ts";

const LENDING = import.meta.resolve("unum/lending");
const LOOK_EVERY_MS = 200;
/** A slice that loses its thread so often is given up. */
const LOSSES_LIMIT = 50;
/** JavaScript's own memory of the thread. */
const HEAP_LIMIT_MB = 1_024;
/** Of the whole process: what is outside of JavaScript's own memory, as typed arrays, has no limit of its own. */
const MEMORY_LIMIT_BYTES = 1.5 * 2 ** 30;

type Loss = "late" | "ended" | "grew";

interface Lost {
  readonly lost: Loss;
  /** In words, with what was thrown where that is known. */
  readonly why: string;
}

const WHY: Readonly<Record<Loss, string>> = {
  late: "did not come back in time",
  ended: "ended its thread, or took all of its memory",
  grew: "took more memory than a process may have",
};
/** Evaluators that wait elsewhere have time-outs of their own; this is added to them. */
const GRACE_MS = 2_000;

export class WatchedWorker {
  readonly #url: URL;
  readonly #progressFile: string | undefined;
  readonly #clock = systemEnv().clock;
  #worker: Worker | undefined;
  #progress = progressOf();

  /** `url`: a module that calls `serveSlices` where it is loaded as this thread. It may import what components may. */
  constructor(url: URL, progressFile?: string) {
    this.#url = url;
    this.#progressFile = progressFile;
  }

  async run(
    task: Omit<WorkerTask, "barred"> & Partial<Pick<WorkerTask, "barred">>,
    signal: AbortSignal,
  ): Promise<SliceReply> {
    const barred: BarredCandidate[] = [...(task.barred ?? [])];
    let lastLoss = "";
    let lastWhy = "";
    for (let losses = 0; losses < LOSSES_LIMIT; losses++) {
      const outcome = await this.#once({ ...task, barred }, signal);
      if ("reply" in outcome) return outcome.reply;
      if ("failure" in outcome) throw new Fault(outcome.failure.code, outcome.failure.message);
      if (
        this.#progress[PROGRESS.index] === BREEDING &&
        (outcome.lost === "late" || lastLoss.endsWith(` ${BREEDING}`))
      ) {
        throw new Fault(
          "invalid",
          `an operator of the problem's genome ${WHY[outcome.lost]}, in ${task.request.island}; mend it, or raise --time-out (${task.evaluationMs} ms)`,
        );
      }
      const candidate = `${this.#progress[PROGRESS.generation]} ${this.#progress[PROGRESS.index]}`;
      // W2
      if (outcome.lost === "late" || candidate === lastLoss) barred.push({ candidate, why: outcome.why });
      lastLoss = candidate;
      lastWhy = outcome.why;
    }
    throw new Fault(
      "internal",
      `the evaluation of ${task.request.island} took its thread down ${LOSSES_LIMIT} times; the last candidate ${lastWhy}`,
    );
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #once(task: WorkerTask, signal: AbortSignal): Promise<WorkerAnswer | Lost> {
    const worker = this.#running();
    return new Promise((resolve, reject) => {
      let turns = this.#progress[PROGRESS.turns];
      let since = this.#clock.now();
      let timer: Timer | undefined;
      const done = () => {
        timer?.cancel();
        worker.off("message", onMessage).off("exit", onEnd).off("error", onError);
        signal.removeEventListener("abort", onAbort);
      };
      const lose = (lost: Loss, thrown?: Error) => {
        done();
        this.#worker = undefined;
        const why = thrown === undefined ? WHY[lost] : `${WHY[lost]}: ${thrown.name}: ${thrown.message}`;
        void worker.terminate().then(() => resolve({ lost, why }));
      };
      const onMessage = (answer: WorkerAnswer) => {
        done();
        resolve(answer);
      };
      const onEnd = () => lose("ended");
      const onError = (thrown: unknown) => lose("ended", asError(thrown));
      const onAbort = () => {
        done();
        this.#worker = undefined;
        void worker.terminate();
        reject(signal.reason);
      };
      const lookLater = () => {
        timer = this.#clock.at(nextBeat(this.#clock.now(), LOOK_EVERY_MS), () => {
          if (process.memoryUsage.rss() > MEMORY_LIMIT_BYTES) return lose("grew");
          const now = this.#clock.now();
          const current = this.#progress[PROGRESS.turns];
          if (current !== turns || this.#progress[PROGRESS.active] === 0) {
            turns = current;
            since = now;
          } else if (now - since > this.#allowedMs(task) + GRACE_MS) return lose("late");
          lookLater();
        });
      };
      lookLater();
      worker.on("message", onMessage).on("exit", onEnd).on("error", onError);
      signal.addEventListener("abort", onAbort, { once: true });
      worker.postMessage(task);
    });
  }

  #allowedMs({ evaluationMs }: Pick<WorkerTask, "evaluationMs">): number {
    return evaluationMs * Math.max(1, this.#progress[PROGRESS.together] ?? 1);
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    this.#progress = progressOf();
    // The buffer was made shared.
    const progress = this.#progress.buffer as SharedArrayBuffer;
    this.#worker = new Worker(this.#url, {
      workerData: {
        ...{ islandHost: this.#url.href, progress },
        ...(this.#progressFile === undefined ? undefined : { progressFile: this.#progressFile }),
      } satisfies WorkerStart,
      // A thread has none of its process's hooks: without this it could not import "unum".
      execArgv: [...process.execArgv, "--import", LENDING],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MB },
    });
    // One that ends between slices is started again with the next.
    const worker = this.#worker;
    worker.on("error", () => {});
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

function progressOf(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(PROGRESS.count * Int32Array.BYTES_PER_ELEMENT));
}
