// What is kept of a run, as versioned objects in its folder: $UNUM_HOME/islands/RUN
//
//   run          what was asked for: problem, plan, islands, how to reproduce it
//   config       settings and one-off commands; each change a version
//   checkpoint   a cut; each a version, the newest 16 are kept
//   log/NAME     figures of the node and of each island; each entry a version
//   proposals/KEY  what a proposer answered to those parents
//   result       what was found
//
// live.json beside them is the newest figures, for who looks on; nothing depends on it.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { asError, Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { didYouMean } from "../../base/nearest.ts";
import type { Plan } from "../../islands/archipelago/archipelago.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../islands/archipelago/checkpoint.ts";
import { type FileStore, fileStore } from "../../stores/file-store.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemEnv } from "../../system/env.ts";
import { UsageError } from "../usage.ts";
import type { ProblemSpec } from "./problem-spec.ts";

export interface RunRecord {
  readonly name: string;
  readonly node: string;
  readonly problem: ProblemSpec;
  /** The problem's own text, where it is a file. */
  readonly source: string | undefined;
  readonly plan: Plan;
  readonly processes: number;
  readonly evaluationMs: number;
  /** Doors or containers that host it; left out: this process, or a node of its own. */
  readonly to?: readonly string[];
  /** A server that is asked for proposals. */
  readonly propose?: string;
  /** The run whose answers it is given. */
  readonly replay?: string;
  /** Settings at the beginning, NAME=VALUE. */
  readonly settings: readonly string[];
  readonly unum: string;
  readonly startedAt: string;
  /** RUN@EPOCH it was forked from. */
  readonly forkOf?: string;
}

export interface Config {
  /** All of them, NAME=VALUE. */
  readonly settings: readonly string[];
  readonly commands: readonly { readonly id: number; readonly what: "checkpoint" | "log" | "stop" }[];
}

export interface RunStore {
  readonly folder: string;
  readonly objects: FileStore;
  /** Kept whole. */
  readonly logs: FileStore;
  close(): void;
}

const LOGS_KEPT = 1_000_000;

export function islandsFolder(): string {
  return join(resolve(process.env["UNUM_HOME"] || ".unum"), "islands");
}

export function openRunStore(name: string, log: Log): RunStore {
  const folder = join(islandsFolder(), name);
  const { clock } = systemEnv();
  const disk = systemDisk();
  const objects = fileStore({ folder: join(folder, "store"), disk, clock, log, limitBytes: 1 << 30 });
  const logs = fileStore({ folder: join(folder, "logs"), disk, clock, log, kept: LOGS_KEPT });
  return {
    folder,
    objects,
    logs,
    close: () => {
      objects.close();
      logs.close();
    },
  };
}

/** Names of all runs of this working folder. */
export async function runNames(): Promise<readonly string[]> {
  const entries = await readdir(islandsFolder(), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== "directory")
    .map(({ name }) => name)
    .sort();
}

/** Throws a UsageError for a run there is none of. */
export async function recordOf(store: RunStore, name: string): Promise<RunRecord> {
  const found = await readJson<RunRecord>(store.objects, "run");
  if (found !== undefined) return found;
  store.close();
  const names = await runNames();
  const hint = names.length === 0 ? "none has been started here" : `there are ${names.join(", ")}`;
  throw new UsageError(`there is no run '${name}'${didYouMean(name, names) || `; ${hint}`}`);
}

export async function readJson<T>(store: FileStore, key: string): Promise<T | undefined> {
  const object = await store.get(key);
  if (object?.bytes === undefined) return undefined;
  // Written by this command, and kept with a checksum.
  return JSON.parse(new TextDecoder().decode(object.bytes), readInfinity) as T;
}

export async function writeJson(store: FileStore, key: string, value: unknown): Promise<number> {
  const outcome = await store.put(key, jsonBytes(value));
  return outcome.version;
}

/** Reads, changes and writes where nobody else has written meanwhile; else again. */
export async function changeJson<T>(
  store: FileStore,
  key: string,
  change: (value: T | undefined) => T,
): Promise<number> {
  for (;;) {
    const object = await store.get(key);
    const before =
      object?.bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(object.bytes), readInfinity) as T);
    const outcome = await store.put(key, jsonBytes(change(before)), object?.version ?? 0);
    if (outcome.kind === "stored") return outcome.version;
  }
}

/** JSON has no infinity. */
function jsonBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value, (_, each) => (each === Number.POSITIVE_INFINITY ? "Infinity" : each));
  return new TextEncoder().encode(text);
}

function readInfinity(_: string, value: unknown): unknown {
  return value === "Infinity" ? Number.POSITIVE_INFINITY : value;
}

export async function saveCheckpoint(store: RunStore, checkpoint: Checkpoint): Promise<number> {
  const outcome = await store.objects.put("checkpoint", encodeCheckpoint(checkpoint));
  return outcome.version;
}

/** The newest that is whole, up to `epoch` where one is given; what is damaged is told and passed over. */
export async function loadCheckpoint(
  { objects }: RunStore,
  { epoch = Number.POSITIVE_INFINITY, damaged }: { readonly epoch?: number; readonly damaged: (why: string) => void },
): Promise<Checkpoint | undefined> {
  for (const version of [...(await objects.versions("checkpoint"))].reverse()) {
    try {
      const object = await objects.get("checkpoint", version);
      if (object?.bytes === undefined) continue;
      const checkpoint = decodeCheckpoint(object.bytes);
      if (checkpoint.cut.epoch <= epoch) return checkpoint;
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      damaged(asError(thrown).message);
    }
  }
  return undefined;
}

/** After which epochs there is a checkpoint that is whole, the oldest first. */
export async function keptEpochs({ objects }: RunStore): Promise<readonly number[]> {
  const epochs = (await objects.versions("checkpoint")).map(async (version) => {
    const bytes = await objects
      .get("checkpoint", version)
      .then((object) => object?.bytes)
      .catch(() => undefined);
    return bytes === undefined ? [] : [decodeCheckpoint(bytes).cut.epoch];
  });
  return (await Promise.all(epochs)).flat();
}

export function liveText(live: unknown): string {
  return new TextDecoder().decode(jsonBytes(live));
}

export function writeLive({ folder }: RunStore, text: string): void {
  const path = join(folder, "live.json");
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Undefined where none was written yet. */
export function readLive<T>({ folder }: RunStore): T | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "live.json"), "utf8"), readInfinity) as T;
  } catch {
    return undefined;
  }
}
