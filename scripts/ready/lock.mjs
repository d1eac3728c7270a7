// One process at a time, among any that share this folder: a directory is the lock, for only one can make it.
//
// Invariants
//   L1. Who holds the lock touches it every second, so a lock not touched for 15 s has no living holder.
//   L2. A lock is there with its holder's name in it or not at all: it comes and goes by renaming. Of several who see a
//       stale one, one moves it away.
//   L3. Waiting has an end.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NotReady } from "./not-ready.mjs";

const TOUCH_MS = 1_000;
const STALE_MS = 15_000;
const LOOK_MS = 200;

/**
 * Runs `work` while holding the lock folder.
 * @template T
 * @param {string} folder
 * @param {{ waitMs: number, onWait: (holder: string) => void }} options `onWait` is called once, before waiting.
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, { waitMs, onWait }, work) {
  const token = `${process.pid} ${randomBytes(8).toString("hex")}`;
  await mkdir(dirname(folder), { recursive: true });
  const giveUpAt = performance.now() + waitMs;
  let told = false;
  while (!(await take(folder, token))) {
    const holder = (await holderOf(folder)) ?? "";
    if (await isStale(folder)) {
      await clear(folder, holder);
      continue;
    }
    if (!told) onWait(holder.split(" ")[0] ?? "");
    told = true;
    if (performance.now() > giveUpAt) {
      throw new NotReady(
        `${folder} has been held by another process (${holder}) for more than ${waitMs / 1000} s; end it, or remove that folder.`,
      );
    }
    await pause(LOOK_MS);
  }
  const touching = setInterval(() => touch(folder), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await clear(folder, token);
  }
}

/** The folder appears with its holder's name already in it, so nobody sees a lock without one. */
async function take(/** @type {string} */ folder, /** @type {string} */ token) {
  const prepared = `${folder}.${token.replace(" ", "-")}`;
  await mkdir(prepared);
  await writeFile(join(prepared, "holder"), token);
  try {
    await rename(prepared, folder);
    return true;
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    if (isCode(error, "ENOTEMPTY") || isCode(error, "EEXIST") || isCode(error, "EPERM")) return false;
    throw error;
  }
}

/** Undefined when the lock has gone. */
async function holderOf(/** @type {string} */ folder) {
  try {
    return await readFile(join(folder, "holder"), "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function isStale(/** @type {string} */ folder) {
  try {
    return Date.now() - (await stat(folder)).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** Moves the holder's lock away (L2), whole, so that nobody sees half of one; what turns out to be someone else's by now is put back. */
async function clear(/** @type {string} */ folder, /** @type {string} */ holder) {
  const aside = `${folder}.gone-${randomBytes(4).toString("hex")}`;
  try {
    await rename(folder, aside);
    if (((await holderOf(aside)) ?? "") !== holder) return await rename(aside, folder);
    await rm(aside, { recursive: true, force: true });
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
}

function touch(/** @type {string} */ folder) {
  const now = new Date();
  // A lock that was removed by hand is not worth failing the work for.
  utimes(folder, now, now).catch(() => {});
}

/** @param {unknown} error @param {string} code */
function isCode(error, code) {
  return error instanceof Error && "code" in error && error.code === code;
}
