// One log file, read as it grows: its last lines first, then what is added, also when it is cut in between.
//
// A log that grew too long starts again from nothing; its end was copied to PATH.1 before. What was not read by then is
// found there behind the last line that was.

import { type FileHandle, open } from "node:fs/promises";
import { asError } from "../base/fault.ts";

/** A longer line is shown up to here. */
const LINE_BYTES = 64 * 1024;
/** Read at a time, and looked through for the last lines at most. */
const PIECE_BYTES = 4 * 1024 * 1024;

const NEW_LINE = 10;

export class LogTail {
  readonly #path: string;
  #at = 0;
  /** Of the file that was read last: another one has its place. */
  #inode = 0n;
  /** Begun and not ended. */
  #begun = Buffer.alloc(0);
  #lastLine = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The last `count` lines that have ended, oldest first. `more` goes on behind them. Empty where there is no such file. */
  async last(count: number): Promise<readonly string[]> {
    return this.#read(async (file, size) => {
      const from = Math.max(0, size - PIECE_BYTES);
      const bytes = await piece(file, from, size);
      const end = bytes.lastIndexOf(NEW_LINE) + 1;
      this.#at = from + end;
      this.#begun = Buffer.alloc(0);
      const lines = linesOf(bytes.subarray(0, end));
      // The first of them may be the end of a longer one.
      const whole = from > 0 ? lines.slice(1) : lines;
      this.#lastLine = whole.at(-1) ?? "";
      return count === 0 ? [] : whole.slice(-count);
    });
  }

  /** The lines that have ended since. At most PIECE_BYTES of them; the next call goes on. */
  async more(): Promise<readonly string[]> {
    return this.#read(async (file, size) => {
      const cut = size < this.#at ? await this.#cutAway() : [];
      const bytes = await piece(file, this.#at, Math.min(size, this.#at + PIECE_BYTES));
      this.#at += bytes.length;
      const all = Buffer.concat([this.#begun, bytes]);
      const end = all.lastIndexOf(NEW_LINE) + 1;
      this.#begun = all.subarray(end).subarray(0, LINE_BYTES);
      const lines = [...cut, ...linesOf(all.subarray(0, end))];
      this.#lastLine = lines.at(-1) ?? this.#lastLine;
      return lines;
    });
  }

  /** What was written before the log was cut, and not read. */
  async #cutAway(): Promise<readonly string[]> {
    this.#at = 0;
    this.#begun = Buffer.alloc(0);
    const old = await readEnd(`${this.#path}.1`);
    const known = this.#lastLine === "" ? -1 : old.lastIndexOf(this.#lastLine);
    return known < 0 ? old : old.slice(known + 1);
  }

  async #read(use: (file: FileHandle, size: number) => Promise<readonly string[]>): Promise<readonly string[]> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path, "r");
      const { size, ino } = await file.stat({ bigint: true });
      if (this.#inode !== ino) this.#at = 0;
      this.#inode = ino;
      return await use(file, Number(size));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    } finally {
      await file?.close();
    }
  }
}

async function readEnd(path: string): Promise<readonly string[]> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const bytes = await piece(file, Math.max(0, size - PIECE_BYTES), size);
      return linesOf(bytes.subarray(0, bytes.lastIndexOf(NEW_LINE) + 1));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function piece(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  return bytes.subarray(0, bytesRead);
}

/** Bytes that end in a line's end. */
function linesOf(bytes: Buffer): readonly string[] {
  if (bytes.length === 0) return [];
  const lines = bytes.toString("utf8").split("\n").slice(0, -1);
  return lines.map((line) => (line.length > LINE_BYTES ? `${line.slice(0, LINE_BYTES)}…` : line));
}

function isAbsent(thrown: unknown): boolean {
  const error = asError(thrown);
  return "code" in error && error.code === "ENOENT";
}
