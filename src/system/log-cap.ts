// Keeping the log of a process that cannot be asked to: copy the end of the file away, then cut it to nothing.
//
// The process holds the file open for appending, so that its next word lands at the new beginning; renaming the file would
// have it write on into the renamed one. A log takes 2 × `limitBytes` at most, and what comes between two looks.

import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { fileFault } from "./file-fault.ts";

const PIECE_BYTES = 256 * 1024;

/** How often what came during the copy is copied too, before it is cut off. */
const CATCH_UP = 4;

export async function capLog(path: string, limitBytes: number): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r+");
    const { size } = await file.stat();
    if (size <= limitBytes) return false;
    await keepEnd(file, size, limitBytes, `${path}.1`);
    await file.truncate(0);
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return false;
    throw fileFault("cut the log", path, cause);
  } finally {
    await file?.close();
  }
}

/** Where that is not possible, as on a full disk, the end is given up, and the copy before it too: space is what is missing. */
async function keepEnd(file: FileHandle, size: number, limitBytes: number, to: string): Promise<void> {
  const temporary = `${to}.new`;
  try {
    const copy = await open(temporary, "w", 0o600);
    try {
      await copyLines(file, copy, size, limitBytes);
    } finally {
      await copy.close();
    }
    await rename(temporary, to);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
    await rm(to, { force: true }).catch(() => {});
  }
}

/** From the first line that begins within the last `limitBytes`, unless lines are longer than a piece. */
async function copyLines(file: FileHandle, copy: FileHandle, size: number, limitBytes: number): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  // One byte more, to see whether a line begins right there.
  let at = size - limitBytes - 1;
  let end = size;
  let inLine = true;
  let rounds = 0;
  while (at < end) {
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, end - at), at);
    if (bytesRead === 0) break;
    const from = inLine ? piece.subarray(0, bytesRead).indexOf(10) + 1 : 0;
    inLine = false;
    await copy.write(piece, from, bytesRead - from);
    at += bytesRead;
    if (at < end || rounds >= CATCH_UP) continue;
    rounds++;
    end = Math.min((await file.stat()).size, size + limitBytes);
  }
}
