// Where containers of this user and working folder put their sockets: $UNUM_HOME/run, by default .unum/run.
//
// A Unix socket's path has little room. Where the folder's own path leaves none, a folder named by its hash in the system's
// folder for temporary files stands in: every command that has the same home finds it.

import { createHash } from "node:crypto";
import { access, constants, lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { asError, Fault } from "../base/fault.ts";
import type { Network } from "../base/network.ts";
import type { Address } from "../transports/transport.ts";

const ENDING = ".sock";

/** Bytes of a socket's path that every system takes; macOS has the least room. */
const PATH_BYTES = 103;
/** A container's id and the ending. */
const NAME_BYTES = 32;

/** A socket that nobody answers at is removed when it is older: a younger one may be about to be listened at. */
const STALE_MS = 10_000;
const PROBE_MS = 1_000;

/** Absolute. */
export function unumHome(environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(environment["UNUM_HOME"] || ".unum");
}

export function runFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const folder = join(unumHome(environment), "run");
  if (Buffer.byteLength(folder) + NAME_BYTES <= PATH_BYTES) return folder;
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return join(tmpdir(), `unum-${process.getuid?.() ?? ""}-${hash}`);
}

export function socketAddress(folder: string, id: string): Address {
  return `ipc://${join(folder, id)}${ENDING}`;
}

/** Where the node of this working folder is spoken to. */
export function ownDoor(): Address {
  return socketAddress(runFolder(), "door");
}

/** Makes the folder for its owner alone. Throws a Fault where that is not possible, or where it is somebody else's. */
export async function makeRunFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const cause = await trueCause(folder, asError(thrown));
    const code = codeOf(cause);
    const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    const why = `cannot make the folder for sockets ${folder}: ${WHY[code] ?? cause.message}`;
    throw new Fault(denied ? "denied" : "invalid", `${why}; set UNUM_HOME to a folder of yours`, { cause });
  }
  const { uid, mode } = await stat(folder);
  const own = process.getuid?.();
  if (own !== undefined && (uid !== own || (mode & 0o022) !== 0)) {
    throw new Fault(
      "denied",
      `${folder} belongs to another user, or others may write in it; set UNUM_HOME to a folder of yours alone`,
    );
  }
}

/** Node says of a folder it could not make in a read-only file system that it does not exist. */
async function trueCause(folder: string, cause: Error): Promise<Error> {
  if (codeOf(cause) !== "ENOENT") return cause;
  const above = dirname(folder);
  try {
    await access(above, constants.W_OK);
    return cause;
  } catch (thrown) {
    const error = asError(thrown);
    return codeOf(error) === "ENOENT" && above !== folder ? trueCause(above, cause) : error;
  }
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}

const WHY: Readonly<Record<string, string>> = {
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left there",
  EACCES: "this process has no right to",
  EPERM: "this process has no right to",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a file is in its place",
};

/** The sockets of the folder at which somebody answers. Removes those that were left behind. */
export async function liveSockets(folder: string, network: Network): Promise<readonly Address[]> {
  const names = await readdir(folder).catch(() => []);
  const live = await Promise.all(
    names.filter((name) => name.endsWith(ENDING)).map((name) => probe(join(folder, name), network)),
  );
  return live.filter((address) => address !== undefined).sort();
}

async function probe(path: string, network: Network): Promise<Address | undefined> {
  try {
    (await network.connect({ kind: "ipc", path }, PROBE_MS)).destroy();
    return `ipc://${path}`;
  } catch (error) {
    // Only a refusal says that nobody is there. Who does not answer in time may be busy, or this process was.
    if (!isRefused(error)) return `ipc://${path}`;
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSocket() && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
    return undefined;
  }
}

function isRefused(error: unknown): boolean {
  const code = codeOf(asError(asError(error).cause));
  return code === "ECONNREFUSED" || code === "ENOENT" || code === "ENOTSOCK";
}
