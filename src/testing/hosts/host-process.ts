// One process of a simulated computer, as the system has it: a number, signals, memory, and an end with a code or a signal.
//
// Invariants
//   H1. It ends once; who watches is told once, each in his own time.
//   H2. It stands still while it is stopped or its own code keeps its loop, and what came meanwhile runs afterwards.

import type { Clock } from "../../base/clock.ts";
import type { ProcessExit, ProcessId, ProcessSignal } from "../../base/processes.ts";
import type { SimulatedProcess } from "../simulated-process.ts";

/** What a process may do to itself, beside what Env offers. */
export interface OwnProcess {
  /** From this turn's end on its loop does not turn for so long, as in a long computation. */
  block(ms: number): void;
  /** Ends it, as process.exit does: nothing of it runs after this turn. */
  exit(code: number): void;
  /** What it uses of its computer's memory from now on. */
  use(memoryBytes: number): void;
}

const FIRST_MEMORY_BYTES = 40 * 2 ** 20;

export class HostProcess implements OwnProcess {
  readonly id: ProcessId;
  readonly program: string;
  readonly arguments: readonly string[];
  /** As the trace calls it. */
  readonly name: string;
  readonly sim: SimulatedProcess;
  memoryBytes = FIRST_MEMORY_BYTES;
  readonly #clock: Clock;
  readonly #handlers = new Map<ProcessSignal, () => void>();
  readonly #watchers = new Set<(exit: ProcessExit) => void>();
  readonly #ended: (exit: ProcessExit) => void;
  readonly #blocked: () => void;
  readonly #grew: () => void;
  #exit: ProcessExit | undefined;
  #isStopped = false;
  #blocks = 0;

  /** `ended`: told before those who watch. */
  constructor(of: {
    id: ProcessId;
    program: string;
    arguments: readonly string[];
    name: string;
    sim: SimulatedProcess;
    clock: Clock;
    ended: (exit: ProcessExit) => void;
    blocked: () => void;
    grew: () => void;
  }) {
    this.id = of.id;
    this.program = of.program;
    this.arguments = of.arguments;
    this.name = of.name;
    this.sim = of.sim;
    this.#clock = of.clock;
    this.#ended = of.ended;
    this.#blocked = of.blocked;
    this.#grew = of.grew;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get exitStatus(): ProcessExit | undefined {
    return this.#exit;
  }

  watch(told: (exit: ProcessExit) => void): void {
    if (this.#exit === undefined) this.#watchers.add(told);
    else told(this.#exit);
  }

  /** Without one, SIGTERM and SIGINT end it. */
  on(signal: "SIGTERM" | "SIGINT", handler: () => void): void {
    this.#handlers.set(signal, handler);
  }

  /** False where it has ended. */
  signal(signal: ProcessSignal): boolean {
    if (this.#exit !== undefined) return false;
    if (signal === "SIGKILL") this.#end({ code: undefined, signal });
    else if (signal === "SIGSTOP") this.#stop();
    else if (signal === "SIGCONT") this.#goOn();
    else {
      this.sim.deliver(() => {
        const handler = this.#handlers.get(signal);
        if (handler !== undefined) handler();
        else this.#end({ code: undefined, signal });
      });
    }
    return true;
  }

  exit(code: number): void {
    this.#end({ code, signal: undefined });
  }

  use(memoryBytes: number): void {
    this.memoryBytes = memoryBytes;
    this.#grew();
  }

  block(ms: number): void {
    this.#blocked();
    this.#blocks++;
    this.sim.pause();
    this.#clock.after(ms, () => {
      this.#blocks--;
      this.#resume();
    });
  }

  #stop(): void {
    this.#isStopped = true;
    this.sim.pause();
  }

  #goOn(): void {
    this.#isStopped = false;
    this.#resume();
  }

  #resume(): void {
    if (!this.#isStopped && this.#blocks === 0) this.sim.resume();
  }

  #end(exit: ProcessExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.sim.kill();
    this.#ended(exit);
    for (const told of this.#watchers) told(exit);
    this.#watchers.clear();
  }
}
