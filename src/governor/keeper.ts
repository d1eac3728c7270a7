// Keeps the governor of a node running: starts it, and starts it again when it dies.
//
//   start ──▶ runs ──ended with 0: it was told to──▶ kept settles
//              ▲ └───ended otherwise──▶ pause, growing ──┐
//              │                   └──▶ rest, where it ended too often
//              └────────────────────────────────────────┘
//
// Invariants
//   P1. One governor at a time: the next is started when the last one's process has ended.
//   P2. After `end` none is started; one that was being started just then is left to who ended it, as `governor`.
//   P3. A rest is shorter than the lease of containers, so that they outlive it.

import { type Clock, sleep } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { ProcessExit, Processes, SpawnSettings, WatchedProcess } from "../base/processes.ts";
import type { Random } from "../base/random.ts";
import { afterCrash, NO_RESTARTS, type RestartPolicy } from "./decisions/restarts.ts";

export interface KeeperParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly processes: Processes;
  /** How a governor is started that was started again so often. */
  readonly governor: (restarts: number) => SpawnSettings;
  readonly policy?: RestartPolicy;
}

const OFTEN = { restarts: 30, withinMs: 60_000 };

/** A governor that is killed is back at once; one that crashes when it starts takes little of the computer. */
const KEEPER_POLICY: RestartPolicy = {
  component: OFTEN,
  node: OFTEN,
  pauseMs: 50,
  longestPauseMs: 2_000,
  calmMs: 30_000,
};

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #ending = new AbortController();
  #governor: WatchedProcess | undefined;
  #killed = false;
  #restarts = 0;
  #history = NO_RESTARTS;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The one that runs, or ran last. */
  get governor(): WatchedProcess | undefined {
    return this.#governor;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** The first one, once. Rejects with a Fault where it cannot be started. */
  async start(): Promise<WatchedProcess> {
    this.#governor = await this.#parts.processes.spawn(this.#parts.governor(0));
    return this.#governor;
  }

  /** After `start`. Settles with the end of the last governor: it was told to end, or `end` came before. Never rejects. */
  async keep(): Promise<ProcessExit> {
    for (;;) {
      const exit = (await this.#governor?.exited) ?? { code: undefined, signal: undefined };
      if (exit.code === 0 || !(await this.#mayStartAgain(exit))) return exit;
      await this.#startAgain();
    }
  }

  /** No further governor. The one that runs goes on. */
  end(): void {
    this.#ending.abort();
  }

  /** Ends the governor without its goodbye, also one that is being started; none follows. */
  kill(): void {
    this.#killed = true;
    this.end();
    this.#governor?.signal("SIGKILL");
  }

  /** Waits out the pause. False where it ended meanwhile. */
  async #mayStartAgain(exit: ProcessExit): Promise<boolean> {
    const { clock, random, log, policy = KEEPER_POLICY } = this.#parts;
    const { signal } = this.#ending;
    if (signal.aborted) return false;
    const now = clock.now();
    const crash = { component: "the governor", now, chance: random.float() };
    const { verdict, restarts } = afterCrash(this.#history, crash, policy);
    const what = `the governor ${howEnded(exit)}`;
    const fields = { pid: this.#governor?.id.pid };
    let at: number;
    if (verdict.kind === "restart") {
      this.#history = restarts;
      ({ at } = verdict);
      const when = at > now ? `in ${Math.ceil(at - now)} ms` : "at once";
      log.write("warn", `${what}; it is started again ${when}`, fields);
    } else {
      // Its rest over, it is as if it had never crashed.
      this.#history = NO_RESTARTS;
      at = verdict.until;
      const { restarts: most, withinMs } = policy.component;
      const often = `was started again ${most} times within ${withinMs / 1_000} s`;
      log.write("error", `${what} and ${often}: the next one is started in ${Math.ceil(at - now) / 1_000} s`, fields);
    }
    await sleep(clock, at - now, signal).catch(() => {});
    return !signal.aborted;
  }

  /** What cannot be started counts as one that crashed. */
  async #startAgain(): Promise<void> {
    const { processes, log, governor } = this.#parts;
    this.#restarts++;
    try {
      this.#governor = await processes.spawn(governor(this.#restarts));
      if (this.#killed) this.#governor.signal("SIGKILL");
    } catch (error) {
      log.write("error", `the governor cannot be started: ${asError(error).message}`);
    }
  }
}

function howEnded({ code, signal }: ProcessExit): string {
  if (signal !== undefined) return `was ended by ${signal}`;
  return code === undefined ? "ended" : `ended with exit code ${code}`;
}
