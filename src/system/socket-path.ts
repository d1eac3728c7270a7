// The path of a Unix socket: is there room for it, is it somebody's, may it be taken over.
//
// A process that was killed leaves its socket file behind, and then a connect to it is refused. Nothing removes a file only
// if it is still the one that was looked at, so whoever takes over does it under a lock file beside the path:
//   look ──▶ refused? ──▶ remove ──▶ bind          (nobody can bind at the path while the stale file is there)

import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { asError, Fault } from "../base/fault.ts";

/** sockaddr_un.sun_path has 108 bytes with its closing zero on Linux; other systems have fewer and say so themselves. */
export const SOCKET_PATH_BYTES = 107;

/** How long whoever listens at the path may take to answer a connect. */
const PROBE_MS = 1_000;
/** A lock older than this was left behind: to take over takes little more than PROBE_MS. */
const LOCK_AGE_MS = 10_000;
const LOCK_WAIT_MS = 15_000;
const LOCK_POLL_MS = 10;

/** Throws a Fault where the path is too long or its folder cannot be made. Makes the folder for its owner alone. */
export async function prepareSocketFolder(socketPath: string): Promise<void> {
  const length = Buffer.byteLength(socketPath);
  if (length > SOCKET_PATH_BYTES) {
    throw new Fault(
      "invalid",
      `the socket path has ${length} bytes, a Unix socket's may have ${SOCKET_PATH_BYTES}; choose a shorter one than ${socketPath}`,
    );
  }
  const folder = path.dirname(socketPath);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const cause = asError(thrown);
    const code = codeOf(cause);
    const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    throw new Fault(denied ? "denied" : "invalid", `cannot make the folder ${folder} for a socket: ${cause.message}`, {
      cause,
    });
  }
}

/** Removes a stale socket file and binds. Throws the Fault `invalid` where the path is in use or is no socket. */
export async function takeOver(socketPath: string, bind: () => Promise<void>): Promise<void> {
  await mustBeStale(socketPath);
  const lockPath = `${socketPath}.lock`;
  await lock(lockPath);
  try {
    // Another one may have taken over before the lock was ours.
    await mustBeStale(socketPath);
    await unlink(socketPath).catch(unlessGone);
    await bind();
  } finally {
    await unlink(lockPath).catch(unlessGone);
  }
}

async function mustBeStale(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Fault("invalid", `${socketPath} exists and is not a socket; remove it or choose another path`);
  }
  if (await answers(socketPath)) {
    throw new Fault("invalid", `${socketPath} is in use: somebody answers there; stop it or choose another path`);
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: socketPath });
    const settle = (answer: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    // A full backlog (EAGAIN) and silence are somebody, too.
    const timer = setTimeout(() => settle(true), PROBE_MS);
    socket.once("connect", () => settle(true));
    socket.once("error", (error) => settle(!["ECONNREFUSED", "ENOENT"].includes(String(codeOf(error)))));
  });
}

async function lock(lockPath: string): Promise<void> {
  const until = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await writeFile(lockPath, randomBytes(8).toString("hex"), { flag: "wx", mode: 0o600 });
    } catch (thrown) {
      const cause = asError(thrown);
      if (codeOf(cause) !== "EEXIST")
        throw new Fault("denied", `cannot take over a stale socket: ${cause.message}`, { cause });
    }
    if (performance.now() > until)
      throw new Fault("invalid", `${lockPath} is held by others again and again; try later`);
    await breakOld(lockPath);
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

/** Removes a lock whose holder was killed. What turns out to be a younger one is put back. */
async function breakOld(lockPath: string): Promise<void> {
  const found = await stat(lockPath).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs < LOCK_AGE_MS) return;
  const old = await readFile(lockPath, "utf8").catch(() => undefined);
  const aside = `${lockPath}.${randomBytes(4).toString("hex")}`;
  await rename(lockPath, aside).catch(unlessGone);
  const moved = await readFile(aside, "utf8").catch(() => undefined);
  if (moved !== old) await link(aside, lockPath).catch(unlessGone);
  await unlink(aside).catch(unlessGone);
}

function unlessGone(thrown: unknown): void {
  const cause = asError(thrown);
  const code = codeOf(cause);
  if (code === "ENOENT" || code === "EEXIST") return;
  throw new Fault("denied", `cannot take over a stale socket: ${cause.message}`, { cause });
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}
