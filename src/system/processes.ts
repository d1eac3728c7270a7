// Processes as Node starts them, and those that another process started.
//
// A child's end is told by the system. Others are looked at every POLL_MS: Node has no call that waits for them.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type Clock, nextBeat, type Timer } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import type {
  ProcessExit,
  Processes,
  ProcessId,
  ProcessSignal,
  SpawnSettings,
  WatchedProcess,
} from "../base/processes.ts";
import { fileFault } from "./file-fault.ts";
import { processesWithArgument, processStatus } from "./process-table.ts";

const POLL_MS = 200;
/** Where the question costs the start of a process. */
const SLOW_POLL_MS = 2_000;

const UNKNOWN: ProcessExit = { code: undefined, signal: undefined };

/** One for a process. */
export function systemProcesses(clock: Clock): Processes {
  return {
    spawn: start,
    adopt(id) {
      const adopted = new Adopted(id, clock);
      return adopted.isRunning() ? adopted : undefined;
    },
    startTimeOf(pid) {
      const status = processStatus(pid);
      return status?.running ? status.startTime : undefined;
    },
    withArgument: processesWithArgument,
  };
}

async function start(settings: SpawnSettings): Promise<WatchedProcess> {
  const { program, folder, logPath, environment } = settings;
  let log: number;
  try {
    log = openSync(logPath, "a", 0o600);
  } catch (cause) {
    throw fileFault("open the log", logPath, cause);
  }
  try {
    const child = spawn(program, settings.arguments, {
      cwd: folder,
      env: { ...environment },
      // A pipe to a parent that died would end it at its next word; a file does not.
      stdio: ["ignore", log, log],
      detached: true,
    });
    // Now or never: it cannot be taken off the list before this turn ends, however short it lived.
    const startTime = child.pid === undefined ? undefined : processStatus(child.pid)?.startTime;
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.on("error", () => {}); // a signal that came too late
    child.unref();
    return new Child(child, { pid: child.pid ?? 0, startTime: startTime ?? "" });
  } catch (cause) {
    throw spawnFault(settings, cause);
  } finally {
    closeSync(log);
  }
}

class Child implements WatchedProcess {
  readonly id: ProcessId;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  #released = false;

  constructor(child: ChildProcess, id: ProcessId) {
    this.#child = child;
    this.id = id;
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: string | null) => {
        if (!this.#released) resolve({ code: code ?? undefined, signal: signal ?? undefined });
      };
      if (this.#ended) ended(child.exitCode, child.signalCode);
      else child.once("exit", ended);
    });
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  isRunning(): boolean {
    return !this.#ended && (processStatus(this.id.pid)?.running ?? false);
  }

  signal(signal: ProcessSignal): boolean {
    // While Node has not told of its end, nobody else can have its number.
    return this.isRunning() && sent(this.id.pid, signal);
  }

  release(): void {
    this.#released = true;
  }
}

class Adopted implements WatchedProcess {
  readonly id: ProcessId;
  readonly exited: Promise<ProcessExit>;
  readonly #clock: Clock;
  #settle: (exit: ProcessExit) => void = () => {};
  #timer: Timer | undefined;
  #over = false;

  constructor(id: ProcessId, clock: Clock) {
    this.id = id;
    this.#clock = clock;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#look();
  }

  isRunning(): boolean {
    const status = processStatus(this.id.pid);
    const running = status?.running === true && status.startTime === this.id.startTime;
    if (!running && !this.#over) {
      this.release();
      this.#settle(UNKNOWN);
    }
    return running;
  }

  signal(signal: ProcessSignal): boolean {
    return this.isRunning() && sent(this.id.pid, signal);
  }

  release(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#over || !this.isRunning()) return;
    const everyMs = process.platform === "linux" ? POLL_MS : SLOW_POLL_MS;
    this.#timer = this.#clock.at(nextBeat(this.#clock.now(), everyMs), () => this.#look());
  }
}

function sent(pid: number, signal: ProcessSignal): boolean {
  try {
    return process.kill(signal === "SIGKILL" ? -pid : pid, signal);
  } catch (error) {
    // It may lead no group: then it alone is meant.
    if (signal !== "SIGKILL" || codeOf(error) !== "ESRCH") return false;
  }
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function spawnFault({ program, folder, arguments: given }: SpawnSettings, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const cause = asError(thrown);
  const what = `cannot start ${program} in ${folder}`;
  switch (codeOf(cause)) {
    case "ENOENT":
      return new Fault("invalid", `${what}: there is no such program, or no such folder`, { cause });
    case "EACCES":
    case "EPERM":
      return new Fault("denied", `${what}: this process has no right to`, { cause });
    case "EAGAIN":
    case "ENOMEM":
      return new Fault("overloaded", `${what}: the system has no room for another process`, { cause });
    case "E2BIG":
      return new Fault("invalid", `${what}: its ${given.length} arguments and its environment are too long`, { cause });
    default:
      return new Fault("invalid", `${what}: ${cause.message}`, { cause });
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}
