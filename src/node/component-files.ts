// Which files of a folder are components: NAME/NAME.ts or NAME/index.ts of each sub-directory, and NAME.ts beside them.

import { type Dirent, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { asError, Fault } from "../base/fault.ts";

/** In this order where a component has several. */
const ENDINGS = [".ts", ".mts", ".js", ".mjs"];

/** Declarations, tests, generated contracts, and what its author put aside with a leading _ or dot. */
const ASIDE = /^[._]|\.d\.m?ts$|\.test\.m?[jt]s$|_pb\.[jt]s$/;

const NEVER_COMPONENTS = new Set(["node_modules", "gen"]);

export interface ComponentFile {
  /** Folder or file name without ending. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** Sorted by name. Throws the Fault `invalid` (or `denied`) where the folder cannot be read or has no component. */
export async function findComponentFiles(folder: string): Promise<readonly ComponentFile[]> {
  const at = resolve(folder);
  const entries = await entriesOf(at);
  const found = entries
    .filter(({ name }) => !ASIDE.test(name))
    .map((entry) => (isFolder(entry, at) ? insideOf(at, entry.name) : fileOf(at, entry.name)))
    .filter((file) => file !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = found.filter((file, index) => file.name !== found[index - 1]?.name);
  if (files.length > 0) return files;
  const what = entries.length === 0 ? "is empty" : `has ${entries.length} entries and no component among them`;
  throw new Fault("invalid", `${at} ${what}; write one to ${join(at, "NAME", "NAME.ts")} or ${join(at, "NAME.ts")}`);
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    throw unreadable(folder, asError(thrown));
  }
}

function unreadable(folder: string, cause: Error): Fault {
  const code = "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") {
    return new Fault("invalid", `there is no folder ${folder}; give the folder your components are in`, { cause });
  }
  if (code === "ENOTDIR") {
    return new Fault("invalid", `${folder} is a file; give the folder your components are in`, { cause });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new Fault("denied", `this process has no right to read ${folder} (${code})`, { cause });
  }
  return new Fault("invalid", `cannot read ${folder}: ${cause.message}`, { cause });
}

/** Linked folders count: a component may live elsewhere. */
function isFolder(entry: Dirent, folder: string): boolean {
  return entry.isDirectory() || (entry.isSymbolicLink() && existsSync(join(folder, entry.name, ".")));
}

function insideOf(folder: string, name: string): ComponentFile | undefined {
  if (NEVER_COMPONENTS.has(name)) return undefined;
  const candidates = [name, "index"].flatMap((file) => ENDINGS.map((ending) => join(folder, name, `${file}${ending}`)));
  const path = candidates.find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { name, path };
}

function fileOf(folder: string, file: string): ComponentFile | undefined {
  const ending = ENDINGS.find((candidate) => file.endsWith(candidate));
  return ending === undefined ? undefined : { name: basename(file, ending), path: join(folder, file) };
}
