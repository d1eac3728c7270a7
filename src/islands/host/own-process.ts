// Slices in a process of their own: for problems some of whose candidates end whole processes, and not only their thread.
//
//   host ──task──▶ isolated.ts ──▶ its thread, watched as any; before each candidate it writes down which
//        ◀─reply──             ◀── the process ends: the file says at whom
//
// Invariants
//   O1. A candidate at which the process ended twice in a row is barred; once may be what others did.
//   O2. The process ends with its host: it is at work in a thread, so it always hears that.

import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemEnv } from "unum";
import type { SliceReply } from "../archipelago/host.ts";
import { Fault } from "../fault.ts";
import { type BarredCandidate, BREEDING, ENDS, type WorkerAnswer, type WorkerTask } from "./worker-messages.ts";

const PROGRAM = fileURLToPath(new URL("./isolated.ts", import.meta.url));
const LOSSES_LIMIT = 200;

type Child = ReturnType<typeof import("unum/lending").forkLent>;

interface Lost {
  readonly how: string;
}

export class OwnProcess {
  readonly #url: URL;
  readonly #file = join(tmpdir(), `unum-island-${process.pid}-${systemEnv().random.u32()}`);
  #child: Child | undefined;

  /** As a `WatchedWorker`'s. */
  constructor(url: URL) {
    this.#url = url;
  }

  async run(task: Omit<WorkerTask, "barred">, signal: AbortSignal): Promise<SliceReply> {
    const barred: BarredCandidate[] = [];
    const recovered: string[] = [];
    let last = "";
    while (recovered.length < LOSSES_LIMIT) {
      const outcome = await this.#once({ ...task, barred }, signal);
      if ("reply" in outcome) {
        return { ...outcome.reply, recovered: [...recovered, ...outcome.reply.recovered] };
      }
      if ("failure" in outcome) throw new Fault(outcome.failure.code, outcome.failure.message);
      recovered.push(`what evaluates ${outcome.how}; it is started again`);
      const candidate = this.#candidate();
      // O1
      if (candidate === last) {
        if (candidate.endsWith(` ${BREEDING}`)) {
          throw new Fault("invalid", `an operator of the problem's genome ends its process, in ${task.request.island}`);
        }
        barred.push({ candidate, why: ENDS });
      }
      last = candidate;
    }
    throw new Fault("internal", `the evaluation of ${task.request.island} ended its process ${LOSSES_LIMIT} times`);
  }

  async end(): Promise<void> {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    rmSync(this.#file, { force: true });
  }

  /** The last whose evaluation began: GENERATION INDEX, generations counted from the slice's beginning. */
  #candidate(): string {
    try {
      const bytes = readFileSync(this.#file);
      return bytes.length < 8 ? "" : `${bytes.readInt32LE(0)} ${bytes.readInt32LE(4)}`;
    } catch {
      return "";
    }
  }

  async #once(task: WorkerTask, signal: AbortSignal): Promise<WorkerAnswer | Lost> {
    const child = await this.#running();
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const done = () => {
        child.off("message", onMessage).off("exit", onExit).off("error", onError);
        signal.removeEventListener("abort", onAbort);
      };
      const onMessage = (answer: unknown) => {
        done();
        // By isolated.ts.
        resolve(answer as WorkerAnswer);
      };
      const lose = (how: string) => {
        done();
        this.#child = undefined;
        resolve({ how });
      };
      const onExit = (code: number | null, by: string | null) =>
        lose(`(process ${child.pid}) ended with ${by ?? `exit code ${code}`}`);
      const onError = (error: Error) => lose(`cannot be asked: ${error.message}`);
      const onAbort = () => {
        done();
        child.kill("SIGKILL");
        this.#child = undefined;
        reject(signal.reason);
      };
      child.on("message", onMessage).on("exit", onExit).on("error", onError);
      signal.addEventListener("abort", onAbort, { once: true });
      child.send(task);
    });
  }

  async #running(): Promise<Child> {
    if (this.#child?.connected) return this.#child;
    // Only here: who imports it lends its packages.
    const { forkLent } = await import("unum/lending");
    const child = forkLent(PROGRAM, [this.#url.href, this.#file]);
    child.on("error", () => {});
    this.#child = child;
    return child;
  }
}
