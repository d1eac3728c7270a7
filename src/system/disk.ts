// Files as Node gives them.

import { type Dirent, writeFileSync } from "node:fs";
import { access, cp, type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { Disk, FileEntry } from "../base/disk.ts";
import { Fault } from "../base/fault.ts";
import { fileFault } from "./file-fault.ts";
import { capLog } from "./log-cap.ts";

/** One for a process. */
export function systemDisk(): Disk {
  return {
    ...{ read, replace, create, writeNow, append, remove },
    ...{ makeFolder, copyFolder, moveFolder, removeFolder, scan, list, isThere, capLog },
  };
}

async function read(path: string, limitBytes: number): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    if (size > limitBytes) throw new Fault("invalid", `${path} has ${size} bytes, the limit is ${limitBytes}`);
    // It may grow meanwhile; what was there when it was opened is what was asked for.
    const bytes = new Uint8Array(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return bytes.subarray(0, bytesRead);
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw fileFault("read", path, cause);
  } finally {
    await file?.close();
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await writeWhole(path, bytes, (temporary) => rename(temporary, path));
}

async function create(path: string, bytes: Uint8Array): Promise<boolean> {
  let made = true;
  await writeWhole(path, bytes, async (temporary) => {
    // A link, unlike a rename, is refused where there is a file.
    await link(temporary, path).catch((cause) => {
      if (!isTaken(cause)) throw cause;
      made = false;
    });
    await rm(temporary);
  });
  return made;
}

/** `place`: gives what was written its name. */
async function writeWhole(path: string, bytes: Uint8Array, place: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}-${process.hrtime.bigint()}.new`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileFault("write", path, cause);
  }
}

/** The new name, too, must last. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function writeNow(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (cause) {
    throw fileFault("write", path, cause);
  }
}

async function append(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, "a", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileFault("write", path, cause);
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { force: true, recursive: true });
  } catch (cause) {
    throw fileFault("remove", path, cause);
  }
}

async function moveFolder(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
    return true;
  } catch (cause) {
    if (isTaken(cause)) return false;
    throw fileFault("move", from, cause);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (cause) {
    throw fileFault("remove", path, cause);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw fileFault("make the folder", path, cause);
  }
}

async function copyFolder(from: string, to: string, skip: readonly string[]): Promise<void> {
  try {
    await cp(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => !skip.includes(basename(path)) });
  } catch (cause) {
    throw fileFault("copy", from, cause);
  }
}

async function scan(
  folder: string,
  { skip, limit }: { readonly skip: readonly string[]; readonly limit: number },
): Promise<readonly FileEntry[]> {
  const found: FileEntry[] = [];
  const visit = async (inside: string): Promise<void> => {
    for (const entry of await entriesOf(join(folder, inside))) {
      const path = join(inside, entry.name);
      if (entry.isDirectory() && !skip.includes(entry.name)) await visit(path);
      else if (entry.isFile()) {
        if (found.length >= limit)
          throw new Fault("invalid", `${folder} has more than ${limit} files; is it the right folder?`);
        const file = await entryOf(folder, path);
        if (file !== undefined) found.push(file);
      }
    }
  };
  await visit("");
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (isAbsent(cause) || isNoFolder(cause)) return [];
    throw fileFault("list", folder, cause);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (cause) {
    if (isAbsent(cause) || isNoFolder(cause)) return false;
    throw fileFault("look at", path, cause);
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw fileFault("list", folder, cause);
  }
}

/** Undefined where it went meanwhile. The inode tells a file that was put in another's place within one tick of the clock. */
async function entryOf(folder: string, path: string): Promise<FileEntry | undefined> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await stat(join(folder, path), { bigint: true });
    return { path: path.split(sep).join("/"), bytes: Number(size), version: `${ino}-${size}-${mtimeNs}-${ctimeNs}` };
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw fileFault("look at", join(folder, path), cause);
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "EEXIST" || thrown.code === "ENOTEMPTY");
}

function isNoFolder(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOTDIR";
}

function isAbsent(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
