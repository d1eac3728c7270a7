// Other processes of this computer, as the system gives them and as the simulator pretends them.

/** Names one process for good: the number alone is given again to others. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, as the system tells it, with the boot it belongs to. To be compared as text, nothing else. */
  readonly startTime: string;
}

/** Neither is known of a process that was no child of this one. */
export interface ProcessExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface SpawnSettings {
  readonly program: string;
  readonly arguments: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** What it writes to standard output and error is appended there. Its folder must exist. */
  readonly logPath: string;
}

export type ProcessSignal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

export interface WatchedProcess {
  readonly id: ProcessId;
  /** Settles when it has ended; never rejects. Of a child at once, of another within a fraction of a second. Pending for ever after `release`. */
  readonly exited: Promise<ProcessExit>;
  /** Looks now; where it has ended, `exited` settles. For who has a hint, as a connection that broke. */
  isRunning(): boolean;
  /**
   * False where it has ended. Never reaches another process that got its number.
   * SIGKILL goes to what it started in its process group too.
   */
  signal(signal: ProcessSignal): boolean;
  /** Watches it no longer. It goes on. */
  release(): void;
}

export interface Processes {
  /**
   * Starts a process that lives on when this one ends, in a process group of its own.
   * Rejects with a Fault that names what is missing: `denied` where the system forbids it, else `invalid`.
   */
  spawn(settings: SpawnSettings): Promise<WatchedProcess>;
  /** Watches a process that somebody else started. Undefined where it has ended. */
  adopt(id: ProcessId): WatchedProcess | undefined;
  /** Of whatever process has the number now; undefined where none has. */
  startTimeOf(pid: number): string | undefined;
  /**
   * Those that run and have the text in the arguments they were started with, as far as this user may see them; this process is
   * not among them. One that has given itself another title may not be found.
   */
  withArgument(text: string): readonly ProcessId[];
}
