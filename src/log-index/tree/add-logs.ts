// Taking a folder of logs, or one log, into the index: its tree is walked, each folder gets a chunk and a config.

import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { asError, Fault } from "../../base/fault.ts";
import { type Added, type AddSettings, ChunkWriter } from "../chunk/chunk-writer.ts";
import { isMissing } from "../chunk/manifest.ts";
import { namedParser } from "../parsing/format.ts";
import { CHUNK, type Config, noteFacts, readConfig, withFolder } from "./config.ts";
import { oldest } from "./retain.ts";

export interface AddRequest extends AddSettings {
  /** Of the index. */
  readonly home: string;
  /** Folder of logs, or a log. */
  readonly path: string;
  readonly name?: string | undefined;
  readonly segmentRows?: number | undefined;
  /** Little comes at a time, and often: joining waits until tiers are full. */
  readonly isFollowing?: boolean;
  /** Seconds since 1970; without it nothing is too old to be kept. */
  readonly now?: number;
  readonly told?: (
    added: Added | { readonly path: string; readonly outcome: "unreadable"; readonly why: string },
  ) => void;
}

export interface AddSum {
  readonly name: string;
  readonly files: number;
  readonly records: number;
  readonly bad: number;
  readonly bytes: number;
  readonly unreadable: number;
}

interface RawFolder {
  readonly raw: string;
  readonly index: string;
  readonly files: readonly string[];
}

/** Deeper folders are taken for a loop of links. */
const DEPTH_LIMIT = 32;

/** `not-found` where the path is not there. What cannot be read is told and does not stop the rest. */
export async function addLogs(request: AddRequest): Promise<AddSum> {
  const path = resolve(request.path);
  // A format that is none is said once, and not of every file.
  if (request.format !== "auto") namedParser(request.format);
  const isFile = isFileAt(path);
  const name = nameFor(request.home, path, request.name);
  const index = join(request.home, name);
  const root: RawFolder[] = isFile
    ? [{ raw: dirname(path), index, files: [path] }]
    : [...rawFolders(path, index, resolve(request.home), 0)];
  const sum = { name, files: 0, records: 0, bad: 0, bytes: 0, unreadable: 0 };
  for (const folder of root) {
    if (folder.files.length > 0) await addFolder(folder, request, sum);
    if (request.signal?.aborted) throw request.signal.reason;
  }
  // Children before their folders, so that each config notes what is below it.
  for (const folder of [...root].reverse()) {
    const raw = { path: isFile ? path : folder.raw, format: request.format };
    const below = root.filter((other) => dirname(other.index) === folder.index).map((other) => basename(other.index));
    noteFacts(folder.index, (config) => below.reduce(withFolder, { ...config, raw }));
  }
  noteFacts(request.home, (config) => withFolder(config, name));
  return sum;
}

type Sum = { -readonly [K in keyof AddSum]: AddSum[K] };

async function addFolder(folder: RawFolder, request: AddRequest, sum: Sum): Promise<void> {
  const writer = new ChunkWriter({
    folder: join(folder.index, CHUNK),
    ...(request.segmentRows === undefined ? {} : { segmentRows: request.segmentRows }),
  });
  try {
    for (const file of folder.files) {
      try {
        const added = await writer.addFile(file, request);
        request.told?.(added);
        if (added.outcome !== "read") continue;
        sum.files++;
        sum.records += added.records;
        sum.bad += added.bad;
        sum.bytes += added.bytes;
      } catch (error) {
        if (request.signal?.aborted || isDiskFull(error)) throw error;
        sum.unreadable++;
        request.told?.({ path: file, outcome: "unreadable", why: asError(error).message });
      }
    }
    const { retainDays } = readConfig(folder.index);
    const before = retainDays === undefined || request.now === undefined ? 0 : oldest(retainDays, request.now);
    writer.tidy({ everything: request.isFollowing !== true, before });
  } catch (error) {
    // What was read until Ctrl-C came is kept.
    if (request.signal?.aborted) writer.flush();
    throw error;
  } finally {
    writer.close();
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Fault && error.code === "overloaded";
}

function isFileAt(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    if (isMissing(error)) throw new Fault("invalid", `there is no file or folder ${path}`);
    throw error;
  }
}

/** Parents first. Files in the order in which they were last written: rotated ones before the one that grows. */
function* rawFolders(raw: string, index: string, home: string, depth: number): Generator<RawFolder> {
  if (depth > DEPTH_LIMIT || raw === home) return;
  const files: { path: string; time: number }[] = [];
  const folders: string[] = [];
  for (const entry of readdirSync(raw, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(raw, entry.name);
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile()) files.push({ path, time: statSync(path).mtimeMs });
  }
  yield { raw, index, files: files.sort((a, b) => a.time - b.time).map(({ path }) => path) };
  for (const folder of folders) yield* rawFolders(join(raw, folder), join(index, folder), home, depth + 1);
}

/** The name under which the path was added before, else its last part, numbered where another has it. */
function nameFor(home: string, path: string, wanted: string | undefined): string {
  const config = readConfig(home);
  const rawOf = (name: string) => readConfig(join(home, name)).raw?.path;
  const before = config.folders.find(({ name }) => rawOf(name) === path);
  if (wanted === undefined && before !== undefined) return before.name;
  const base = wanted ?? (basename(path).replace(/^\.+/, "") || "logs");
  if (!/^[\w@%+=:,-][\w.@%+=:,-]*$/.test(base))
    throw new Fault("invalid", `'${base}' cannot name an index; use letters, digits, . _ - with --name`);
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    const isFree = !isTaken(config, name) || rawOf(name) === path;
    if (isFree) return name;
    if (wanted !== undefined)
      throw new Fault(
        "invalid",
        `the index already has '${name}', of ${rawOf(name) ?? "a server"}; choose another --name`,
      );
  }
}

function isTaken(config: Config, name: string): boolean {
  return [...config.folders, ...config.urls].some((child) => child.name === name);
}

/** A server's index under a name of this one's. */
export function addUrl(
  home: string,
  url: string,
  options: { readonly name?: string | undefined; readonly token?: string | undefined },
): string {
  const { hostname, port, pathname } = new URL(url);
  const base = options.name ?? [hostname, port, ...pathname.split("/")].filter((part) => part !== "").join("-");
  const known = readConfig(home).urls.find((child) => child.url === url);
  const name = options.name ?? known?.name ?? base;
  const { token } = options;
  if (existsSync(join(home, name)))
    throw new Fault("invalid", `the index already has a folder '${name}'; choose another --name`);
  noteFacts(home, (config) => ({
    ...config,
    urls: [
      ...config.urls.filter((child) => child.url !== url && child.name !== name),
      { name, url, ...(token === undefined ? {} : { token }) },
    ],
  }));
  return name;
}
