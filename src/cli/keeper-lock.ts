// One keeper for a working folder: a file in its run folder that names the process.
//
// The file appears whole (it is linked into place), and the process it names is told from another with the same number by its
// start. What a process left that ended is taken over.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, sleep } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Processes } from "../base/processes.ts";
import { runFolder } from "./run-folder.ts";

export interface KeeperRecord {
  readonly pid: number;
  readonly startTime: string;
  /** Absolute: the components. */
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** From when its governor was there: from then on one that dies is started again. */
  readonly up?: boolean;
}

export type LockAnswer = { readonly kind: "held"; readonly by: KeeperRecord } | TakenLock;

export interface TakenLock {
  readonly kind: "taken";
  /** Writes down that the node is up. */
  readonly markUp: () => void;
  readonly release: () => void;
}

/** How long somebody else may take to take over what was left behind. */
const TAKE_OVER_MS = 5_000;
const AGAIN_MS = 10;

/** The run folder exists. `held`: by another keeper that lives. */
export async function takeKeeperLock(components: string, processes: Processes, clock: Clock): Promise<LockAnswer> {
  const path = lockPath();
  const own: KeeperRecord = {
    pid: process.pid,
    startTime: processes.startTimeOf(process.pid) ?? "",
    folder: components,
    sinceMs: clock.wallNow(),
  };
  const text = `${JSON.stringify(own)}\n`;
  const written = `${path}.${process.pid}`;
  writeFileSync(written, text, { mode: 0o600 });
  try {
    for (const until = clock.now() + TAKE_OVER_MS; clock.now() < until; await sleep(clock, AGAIN_MS)) {
      const taken = takenLock(path, own, text);
      if (linked(written, path)) return taken;
      const stale = textOf(path);
      const by = recordOf(stale);
      if (lives(by, processes)) return { kind: "held", by };
      if (stale !== undefined && takenOver(path, stale, written, processes)) return taken;
    }
  } finally {
    rmSync(written, { force: true });
  }
  throw new Fault("overloaded", `another process takes over ${path} and does not end; see who holds ${path}.next`);
}

function takenLock(path: string, own: KeeperRecord, written: string): TakenLock {
  let text = written;
  return {
    kind: "taken",
    markUp: () => {
      text = `${JSON.stringify({ ...own, up: true })}\n`;
      const next = `${path}.${own.pid}`;
      writeFileSync(next, text, { mode: 0o600 });
      renameSync(next, path);
    },
    release: () => removeOwn(path, text),
  };
}

/**
 * Only who holds the claim may put its own in the place of what is stale, and only while that is still there: so it cannot be
 * somebody's who was quicker.
 */
function takenOver(path: string, stale: string, written: string, processes: Processes): boolean {
  const claim = `${path}.next`;
  if (!linked(written, claim)) {
    if (!lives(recordOf(textOf(claim)), processes)) rmSync(claim, { force: true });
    return false;
  }
  try {
    if (textOf(path) !== stale) return false;
    renameSync(written, path);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

/** The keeper of this working folder; undefined where none lives. */
export function livingKeeper(processes: Processes): KeeperRecord | undefined {
  const record = recordOf(textOf(lockPath()));
  return lives(record, processes) ? record : undefined;
}

function lockPath(): string {
  return join(runFolder(), "keeper.lock");
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function removeOwn(path: string, text: string): void {
  if (textOf(path) === text) rmSync(path, { force: true });
}

/** Undefined where there is no such file. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Undefined where it says nothing we understand. */
function recordOf(text: string | undefined): KeeperRecord | undefined {
  try {
    const record: unknown = JSON.parse(text ?? "");
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is KeeperRecord {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map(Object.entries(value));
  const [pid, sinceMs] = [fields.get("pid"), fields.get("sinceMs")];
  return (
    Number.isInteger(pid) &&
    Number.isFinite(sinceMs) &&
    typeof fields.get("startTime") === "string" &&
    typeof fields.get("folder") === "string"
  );
}

function lives(record: KeeperRecord | undefined, processes: Processes): record is KeeperRecord {
  return record !== undefined && processes.startTimeOf(record.pid) === record.startTime;
}
