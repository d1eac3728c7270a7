// The processes of one simulated computer: started after their time, failing to where a fault says so, watched, adopted.
//
//   spawn ──▶ has a number ──▶ told to who asked ──▶ its program runs ──▶ ended: by itself, by a signal, with the power
//
// Invariants
//   T1. A number is given again only after the power was gone, and then with another start time.
//   T2. What was started goes on when who started it ends.

import type { Clock, Timer } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type {
  ProcessExit,
  Processes,
  ProcessId,
  ProcessSignal,
  SpawnSettings,
  WatchedProcess,
} from "../../base/processes.ts";
import type { Random } from "../../base/random.ts";
import { SimulatedProcess } from "../simulated-process.ts";
import { HostProcess } from "./host-process.ts";

/** What a program is; answers with its exit code. One that throws ends with 1. */
export type Program = (process: HostProcess, settings: SpawnSettings) => Promise<number>;

/** What starting a process is like now. */
export interface SpawnConditions {
  /** From its number to its program's first line, in ms: drawn evenly. */
  readonly startMs: readonly [least: number, most: number];
  /** Share of starts that the system refuses. */
  readonly refusedRate: number;
  /** Share of processes that end before their program's first line. */
  readonly stillbornRate: number;
}

export const USUAL_SPAWN: SpawnConditions = { startMs: [20, 120], refusedRate: 0, stillbornRate: 0 };

export interface TableParts {
  readonly clock: Clock;
  readonly random: Random;
  /** The computer's name, which the network knows. */
  readonly host: string;
  readonly programs: Readonly<Record<string, Program>>;
  /** What the trace calls a process with these settings. */
  readonly nameOf: (settings: SpawnSettings) => string;
  readonly started: (process: HostProcess, settings: SpawnSettings, by: HostProcess | undefined) => void;
  /** It is about to be ended by another. */
  readonly killed: (process: HostProcess, by: HostProcess) => void;
  /** Its own code keeps its loop. */
  readonly blocked: (process: HostProcess) => void;
  /** It uses another part of the memory. */
  readonly grew: (process: HostProcess) => void;
  /** Its connections end with it. */
  readonly ended: (process: HostProcess, exit: ProcessExit) => void;
}

const FIRST_PID = 100;
/** Until who started it is told. */
const FORK_MS = 2;
/** How often a process is looked at that is no child. */
const POLL_MS = 200;
const TICK_MS = 10;

const UNKNOWN: ProcessExit = { code: undefined, signal: undefined };

export class ProcessTable {
  conditions: SpawnConditions = USUAL_SPAWN;
  readonly counts = { started: 0, refused: 0, stillborn: 0, slow: 0 };
  readonly #parts: TableParts;
  readonly #running = new Map<number, HostProcess>();
  #nextPid = FIRST_PID;
  #boots = 1;
  #wallOffsetMs = 0;

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  get running(): readonly HostProcess[] {
    return [...this.#running.values()];
  }

  /** How often the power has come, the first time included. */
  get boots(): number {
    return this.#boots;
  }

  get(pid: number): HostProcess | undefined {
    return this.#running.get(pid);
  }

  /** As one process sees them. */
  of(asking: HostProcess): Processes {
    return {
      spawn: (settings) => this.#spawn(settings, asking),
      adopt: (id) => this.#adopt(id, asking),
      startTimeOf: (pid) => this.#running.get(pid)?.id.startTime,
      withArgument: (text) =>
        this.running
          .filter((each) => each !== asking && each.arguments.some((argument) => argument.includes(text)))
          .map(({ id }) => id),
    };
  }

  /** Started by nobody, as by the system or by hand. */
  start(settings: SpawnSettings, by?: HostProcess): HostProcess {
    const { clock, random, host, nameOf, started, blocked, grew, ended } = this.#parts;
    const pid = this.#nextPid++;
    const startTime = `${host}-${this.#boots}:${Math.floor(clock.now() / TICK_MS)}`;
    const name = nameOf(settings);
    const sim = new SimulatedProcess(clock, random.fork(), name, host, (same) => same);
    const process: HostProcess = new HostProcess({
      ...{ id: { pid, startTime }, program: settings.program, arguments: settings.arguments, name, sim, clock },
      blocked: () => blocked(process),
      grew: () => grew(process),
      ended: (exit) => {
        this.#running.delete(pid);
        ended(process, exit);
      },
    });
    this.#running.set(pid, process);
    sim.setWall(this.#wallOffsetMs);
    this.counts.started++;
    started(process, settings, by);
    clock.after(this.#startMs(), () => sim.deliver(() => void this.#run(process, settings)));
    return process;
  }

  /** Sets the clock on the wall so far from the true time, for all that run and all that will be started. */
  setWall(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs;
    for (const { sim } of this.running) sim.setWall(offsetMs);
  }

  /** Every process ends without a word, and numbers begin anew. */
  losePower(): void {
    for (const process of this.running) process.signal("SIGKILL");
    this.#nextPid = FIRST_PID;
    this.#boots++;
  }

  readonly #kills: Kills = (process, by) => {
    if (process.isRunning) this.#parts.killed(process, by);
  };

  #startMs(): number {
    const { startMs } = this.conditions;
    if (startMs !== USUAL_SPAWN.startMs) this.counts.slow++;
    const [least, most] = startMs;
    return least + this.#parts.random.float() * (most - least);
  }

  async #run(process: HostProcess, settings: SpawnSettings): Promise<void> {
    if (this.#parts.random.float() < this.conditions.stillbornRate) {
      this.counts.stillborn++;
      return process.exit(1);
    }
    try {
      process.exit((await this.#parts.programs[settings.program]?.(process, settings)) ?? 0);
    } catch {
      process.exit(1);
    }
  }

  #spawn(settings: SpawnSettings, by: HostProcess): Promise<WatchedProcess> {
    const { clock, random, programs } = this.#parts;
    return new Promise((resolve, reject) => {
      const told = (settle: () => void) => clock.after(random.float() * FORK_MS, () => by.sim.deliver(settle));
      try {
        const what = `cannot start ${settings.program} in ${settings.folder}`;
        if (programs[settings.program] === undefined) throw new Fault("invalid", `${what}: there is no such program`);
        if (random.float() < this.conditions.refusedRate) {
          this.counts.refused++;
          throw new Fault("overloaded", `${what}: the system has no room for another process`);
        }
        const child = new Child(this.start(settings, by), by, this.#kills);
        told(() => resolve(child));
      } catch (error) {
        told(() => reject(asError(error)));
      }
    });
  }

  #adopt(id: ProcessId, by: HostProcess): WatchedProcess | undefined {
    const found = this.#running.get(id.pid);
    return found === undefined || found.id.startTime !== id.startTime ? undefined : new Adopted(found, by, this.#kills);
  }
}

/** Told before one process kills another. */
type Kills = (process: HostProcess, by: HostProcess) => void;

class Child implements WatchedProcess {
  readonly exited: Promise<ProcessExit>;
  readonly #process: HostProcess;
  readonly #by: HostProcess;
  readonly #kills: Kills;
  #released = false;

  constructor(process: HostProcess, by: HostProcess, kills: Kills) {
    this.#process = process;
    this.#by = by;
    this.#kills = kills;
    this.exited = new Promise((resolve) => {
      process.watch((exit) => by.sim.deliver(() => this.#released || resolve(exit)));
    });
  }

  get id(): ProcessId {
    return this.#process.id;
  }

  isRunning(): boolean {
    return this.#process.isRunning;
  }

  signal(signal: ProcessSignal): boolean {
    if (signal === "SIGKILL") this.#kills(this.#process, this.#by);
    return this.#process.signal(signal);
  }

  release(): void {
    this.#released = true;
  }
}

/** Looked at now and then: the system tells only parents. */
class Adopted implements WatchedProcess {
  readonly exited: Promise<ProcessExit>;
  readonly #process: HostProcess;
  readonly #by: HostProcess;
  readonly #kills: Kills;
  readonly #clock: Clock;
  #settle: (exit: ProcessExit) => void = () => {};
  #timer: Timer | undefined;
  #over = false;

  constructor(process: HostProcess, by: HostProcess, kills: Kills) {
    this.#process = process;
    this.#by = by;
    this.#kills = kills;
    this.#clock = by.sim.clock;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#look();
  }

  get id(): ProcessId {
    return this.#process.id;
  }

  isRunning(): boolean {
    const running = this.#process.isRunning;
    if (!running && !this.#over) {
      this.release();
      this.#settle(UNKNOWN);
    }
    return running;
  }

  signal(signal: ProcessSignal): boolean {
    if (!this.isRunning()) return false;
    if (signal === "SIGKILL") this.#kills(this.#process, this.#by);
    return this.#process.signal(signal);
  }

  release(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#over || !this.isRunning()) return;
    this.#timer = this.#clock.after(POLL_MS, () => this.#look());
  }
}
