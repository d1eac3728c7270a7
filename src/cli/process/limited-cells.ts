// The cells of one container held to what their program may use in each container: looked at again and again, ended where there is too
// much memory in use, paused where too much processor time was.
//
//   look ──▶ all that the container uses with its cells > limit? ──▶ the largest cell is ended: the calls in it hear why
//        └─▶ allowance (pure) ──▶ all of them paused, or let run
//
// Invariants
//   U1. Nothing but cells is ended or paused: the container answers its governor, and its other calls.
//   U2. A cell that is paused outlives neither its container nor a word to end it: SIGKILL ends what is stopped too.

import { type Clock, sleep } from "../../base/clock.ts";
import { NO_PROGRAM_LIMITS, type ProgramLimits } from "../../capacity/limits.ts";
import { type Allowance, afterUse, allowanceFrom, lookInMs } from "../../container/cell/allowance.ts";
import type { CellProcess } from "../../container/cell/cell.ts";
import type { ConfinedProcess } from "../../system/confinement.ts";
import { pauseBelow, processesBelow, processorOfAll, resumeBelow } from "../../system/process-tree.ts";
import { ProcessorTime } from "../../system/processor-time.ts";
import { memoryBytesOfAll, Shares } from "../../system/resources.ts";

interface Kept {
  readonly process: ConfinedProcess;
  /** Why it was ended here. */
  why: string | undefined;
}

/** How often memory is measured, and it is seen which processes there are. */
const LOOK_MS = 250;
/** What is held to a limit may start processes in any way it likes. */
const THOROUGH = { thorough: true };
/** As V8 and the C library say it where the system refuses them more. */
const OUT_OF_MEMORY = /out of memory|allocation failed|SIGABRT|ENOMEM/i;

export class LimitedCells {
  readonly #clock: Clock;
  readonly #shares = new Shares();
  readonly #processorTime = new ProcessorTime();
  readonly #cells = new Set<Kept>();
  #limits: ProgramLimits = NO_PROGRAM_LIMITS;
  #isWatching = false;
  #allowance: Allowance | undefined;
  /** Of the container and all below it. */
  #pids: readonly number[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #pausedMs = 0;
  #pausedSince: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  limit(limits: ProgramLimits): void {
    this.#limits = limits;
  }

  /** Of what one may use; undefined where nothing was said. */
  get memoryBytes(): number | undefined {
    const { memoryBytes } = this.#limits;
    return memoryBytes === 0 ? undefined : memoryBytes;
  }

  keep(process: ConfinedProcess): CellProcess {
    const { memoryBytes, cpuPermille } = this.#limits;
    if (memoryBytes === 0 && cpuPermille === 0) return process;
    const one: Kept = { process, why: undefined };
    this.#cells.add(one);
    if (!this.#isWatching) void this.#watch();
    const ended = process.ended.then((how) => {
      this.#cells.delete(one);
      return (
        one.why ?? (this.memoryBytes !== undefined && OUT_OF_MEMORY.test(how) ? `${how}; ${this.#limitText}` : how)
      );
    });
    const mayStay = async () => {
      await this.#look();
      return one.why === undefined;
    };
    return { stream: process.stream, ended, kill: process.kill, pausedMs: () => this.#paused, mayStay };
  }

  get #paused(): number {
    const since = this.#pausedSince;
    return this.#pausedMs + (since === undefined ? 0 : this.#clock.now() - since);
  }

  get #limitText(): string {
    return `its program may use ${mib(this.#limits.memoryBytes)} MiB in a container, and 'unum start --memory' says how much`;
  }

  async #watch(): Promise<void> {
    const { cpuPermille } = this.#limits;
    this.#isWatching = true;
    while (this.#cells.size > 0) {
      if (this.#clock.now() - this.#lookedAt >= LOOK_MS) await this.#look();
      const waitMs = cpuPermille === 0 ? LOOK_MS : await this.#holdBack(cpuPermille);
      await sleep(this.#clock, waitMs);
    }
    this.#isWatching = false;
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#clock.now();
    this.#pids = [process.pid, ...(await processesBelow(process.pid, THOROUGH))];
    await this.#endTooLarge();
  }

  async #endTooLarge(): Promise<void> {
    const limit = this.memoryBytes;
    const cells = [...this.#cells];
    // What was ended is there until it is gone, and may be what was too much.
    if (limit === undefined || cells.some(({ why }) => why !== undefined)) return;
    const all = await memoryBytesOfAll(this.#pids, this.#shares);
    if (all <= limit) return;
    const sizes = await Promise.all(
      cells.map(async (cell) => {
        const { pid } = cell.process;
        return { cell, bytes: await memoryBytesOfAll([pid, ...(await processesBelow(pid, THOROUGH))], this.#shares) };
      }),
    );
    const [largest] = sizes.sort((a, b) => b.bytes - a.bytes);
    if (largest === undefined) return;
    largest.cell.why = `its container used ${mib(all)} MiB, ${mib(largest.bytes)} of them in this cell; ${this.#limitText}`;
    largest.cell.process.kill();
  }

  /** Answers with when to look again. */
  async #holdBack(cpuPermille: number): Promise<number> {
    const usedMs = this.#processorTime.seen(await processorOfAll(this.#pids));
    const now = this.#clock.now();
    this.#allowance =
      this.#allowance === undefined
        ? allowanceFrom(now, usedMs)
        : afterUse(this.#allowance, { now, usedMs, cpuPermille });
    const { isPaused } = this.#allowance;
    // Again and again while they are: what was just started is paused too.
    if (isPaused) await this.#signal(pauseBelow);
    else if (this.#pausedSince !== undefined) await this.#signal(resumeBelow);
    if (isPaused) this.#pausedSince ??= now;
    else {
      this.#pausedMs = this.#paused;
      this.#pausedSince = undefined;
    }
    return lookInMs(this.#allowance, cpuPermille);
  }

  async #signal(send: (pid: number) => Promise<void>): Promise<void> {
    await Promise.all([...this.#cells].map(({ process: { pid } }) => send(pid)));
  }
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
