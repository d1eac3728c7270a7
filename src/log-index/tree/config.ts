// The config of a folder of indexes: what is in it, and of which time, so that whole subtrees need not be opened.
//
//   HOME/config.json            what was added
//   HOME/nginx/config.json      a folder of logs: where its files are, its subfolders
//   HOME/nginx/.chunk/          the segments of the files right in it
//
// A config that is missing is made from what is there. A child's span of time is believed only while the child is as it
// was when the span was noted.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { factsOf } from "../chunk/chunk.ts";
import { isMissing, manifestVersion, readManifest } from "../chunk/manifest.ts";
import { factsOfBoth, type IndexFacts, NO_FACTS } from "../find/index.ts";

export const CHUNK = ".chunk";
const CONFIG = "config.json";

/** Of the raw logs that a folder stands for. */
export interface RawLogs {
  /** Folder, or a single file. */
  readonly path: string;
  readonly format: string;
}

interface UrlChild {
  readonly name: string;
  readonly url: string;
  readonly token?: string;
}

interface FolderChild {
  readonly name: string;
  /** Of the child's config when the facts were noted. */
  readonly version: string;
  readonly facts: IndexFacts;
}

interface Identity {
  readonly id: string;
  /** Where it was given: a copy of the index elsewhere is another index. */
  readonly host: string;
  readonly folder: string;
}

export interface Config {
  readonly version: 1;
  readonly raw?: RawLogs;
  /** By which servers know the index again; of the top folder alone. */
  readonly identity?: Identity;
  readonly folders: readonly FolderChild[];
  readonly urls: readonly UrlChild[];
  /** What is older is let go of whenever logs are added (retain.ts). */
  readonly retainDays?: number;
  /** Answered from the raw logs, without opening the index. */
  readonly asleep?: boolean;
  /** Of its own chunk, as of the version. */
  readonly chunk?: { readonly version: string; readonly facts: IndexFacts };
}

/** What is in the file; made from the folder where there is none. */
export function readConfig(folder: string): Config {
  const path = join(folder, CONFIG);
  try {
    // What is read was written by writeConfig, or by a person who follows docs/guide/log-index.md.
    const config = JSON.parse(readFileSync(path, "utf8")) as Partial<Config>;
    return { ...madeConfig(folder), ...config, version: 1 };
  } catch (error) {
    if (isMissing(error)) return madeConfig(folder);
    if (error instanceof SyntaxError)
      throw new Fault("invalid", `${path} is no JSON (${error.message}); mend it, or remove it and it is made anew`);
    throw error;
  }
}

/** Undefined where the index was never served from here. */
export function identityOf(folder: string, host: string): string | undefined {
  const { identity } = readConfig(folder);
  return identity?.host === host && identity.folder === folder ? identity.id : undefined;
}

/** Gives it one, where it has none yet; on a disk that cannot be written to, one for this process alone. */
export function identified(folder: string, host: string, newId: () => string): string {
  const known = identityOf(folder, host);
  if (known !== undefined) return known;
  const identity = { id: newId(), host, folder };
  try {
    writeConfig(folder, { ...readConfig(folder), identity });
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
  return identity.id;
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["EROFS", "EACCES", "EPERM"].includes(String(error.code));
}

function madeConfig(folder: string): Config {
  const names = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
        .map(({ name }) => name)
        .sort()
    : [];
  return {
    version: 1,
    folders: names.map((name) => ({ name, version: "", facts: NO_FACTS })),
    urls: [],
  };
}

export function writeConfig(folder: string, config: Config): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, CONFIG);
  // Tokens of other servers may be in it.
  const fd = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(config, null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
}

export function configVersion(folder: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(join(folder, CONFIG));
    return `${ino}.${mtimeMs}.${size}`;
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

/** Facts of the child as noted; undefined where it has changed since. */
export function notedFacts(folder: string, child: FolderChild): IndexFacts | undefined {
  return child.version !== "" && configVersion(join(folder, child.name)) === child.version ? child.facts : undefined;
}

/** Of the chunk and the folders together, as the config notes them. */
function totalFacts({ chunk, folders }: Config): IndexFacts {
  return folders.reduce((sum, { facts }) => factsOfBoth(sum, facts), chunk?.facts ?? NO_FACTS);
}

/** Brings a folder's config up to what its chunk and its folders are now; `change` is made on the way. */
export function noteFacts(folder: string, change: (config: Config) => Config = (config) => config): IndexFacts {
  const before = change(readConfig(folder));
  const chunkFolder = join(folder, CHUNK);
  const chunkVersion = manifestVersion(chunkFolder);
  const folders = before.folders
    .filter(({ name }) => existsSync(join(folder, name)))
    .map((child) => {
      const path = join(folder, child.name);
      const version = configVersion(path);
      return version === child.version && version !== ""
        ? child
        : { name: child.name, version, facts: totalFacts(readConfig(path)) };
    });
  const config: Config = {
    ...before,
    folders,
    ...(chunkVersion === "" ? {} : { chunk: { version: chunkVersion, facts: factsOf(readManifest(chunkFolder)) } }),
  };
  writeConfig(folder, config);
  return totalFacts(config);
}

export function withFolder(config: Config, name: string): Config {
  if (config.folders.some((child) => child.name === name)) return config;
  const folders = [...config.folders, { name, version: "", facts: NO_FACTS }];
  return { ...config, folders: folders.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}
