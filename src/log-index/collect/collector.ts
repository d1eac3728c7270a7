// Lines from several servers, put in order and written as logs: the order is that of their times, within a window.
//
//   lines ──▶ journal (fsync, then acknowledged) ──▶ held for the window ──▶ FOLDER/part-000001.log, in order
//
// Invariants
//   C1. A line that was acknowledged is in the journal or in a part, also after a crash, and in one of them only.
//   C2. A part is in order of time, and begins no earlier than the part before ended, but for lines later than the window.
//   C3. The state file names both the parts that are whole and the journal with what is still held, and is replaced as a
//       whole: whatever else lies there is of a step that did not happen.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { parserFor } from "../parsing/format.ts";
import { type LineParser, newParsed } from "../parsing/parsed.ts";

export interface CollectorSettings {
  /** Parts are written here; journal and state in the folder .spool of it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly format: string;
  /** How long a line is held for others that are older. */
  readonly windowMs: number;
}

interface Held {
  readonly time: number;
  readonly order: number;
  /** When it came, on the clock. */
  readonly cameAt: number;
  readonly line: Buffer;
}

interface State {
  /** Parts written. */
  readonly parts: number;
  readonly journal: string;
}

/** Lines held at most; more are written before their window ends. */
const HELD_LIMIT = 1_000_000;

export class Collector {
  readonly #settings: CollectorSettings;
  readonly #spool: string;
  #state: State;
  #journal: number;
  #held: Held[] = [];
  #order = 0;
  #parser: LineParser | undefined;
  readonly #parsed = newParsed();
  refused = 0;
  accepted = 0;

  /** Goes on where the last one in the folder stopped, however it stopped. */
  constructor(settings: CollectorSettings) {
    this.#settings = settings;
    this.#spool = join(settings.folder, ".spool");
    mkdirSync(this.#spool, { recursive: true });
    this.#state = this.#readState();
    this.#recover();
    this.#journal = openSync(join(this.#spool, this.#state.journal), "a");
  }

  get held(): number {
    return this.#held.length;
  }

  /** Lines, each with its end. When it returns, they survive. Those that are no records are counted and left out. */
  accept(text: Uint8Array): { readonly accepted: number; readonly refused: number } {
    const before = { accepted: this.accepted, refused: this.refused };
    const lines = this.#read(Buffer.from(text));
    if (lines.length > 0) {
      writeAll(this.#journal, Buffer.concat(lines.map(({ line }) => Buffer.concat([line, NEWLINE]))));
      fsyncSync(this.#journal);
      this.#held.push(...lines);
    }
    this.accepted += lines.length;
    if (this.#held.length > HELD_LIMIT) this.write(Number.POSITIVE_INFINITY);
    return { accepted: this.accepted - before.accepted, refused: this.refused - before.refused };
  }

  #read(text: Buffer): Held[] {
    this.#parser ??= parserFor(this.#settings.format, text);
    const lines: Held[] = [];
    const cameAt = this.#settings.clock.now();
    let from = 0;
    while (from < text.length) {
      const end = text.indexOf(10, from);
      const to = end < 0 ? text.length : end;
      if (to > from) {
        if (this.#parser?.parse(text, from, to, this.#parsed) === undefined && this.#parser !== undefined)
          lines.push({
            time: this.#parsed.time,
            order: this.#order++,
            cameAt,
            line: Buffer.from(text.subarray(from, to)),
          });
        else this.refused++;
      }
      from = to + 1;
    }
    return lines;
  }

  /** Writes what was held for its window by `now`. Answers the part's path; undefined where nothing was due. */
  write(now = this.#settings.clock.now()): string | undefined {
    const dueBefore = now - this.#settings.windowMs;
    const newestDue = this.#held.reduce(
      (newest, { cameAt, time }) => (cameAt <= dueBefore ? Math.max(newest, time) : newest),
      -1,
    );
    // All that is no newer goes along, so that parts follow each other.
    const due = this.#held.filter(({ time }) => time <= newestDue).sort((a, b) => a.time - b.time || a.order - b.order);
    if (due.length === 0) return undefined;
    const rest = this.#held.filter(({ time }) => time > newestDue);
    const parts = this.#state.parts + 1;
    const journal = `journal-${parts}.log`;
    writeWhole(join(this.#spool, `${partName(parts)}.new`), due);
    writeWhole(join(this.#spool, journal), rest);
    this.#replaceState({ parts, journal });
    const path = join(this.#settings.folder, partName(parts));
    renameSync(join(this.#spool, `${partName(parts)}.new`), path);
    const before = this.#journal;
    this.#journal = openSync(join(this.#spool, journal), "a");
    closeSync(before);
    this.#removeLeftovers();
    this.#held = rest;
    return path;
  }

  #readState(): State {
    const path = join(this.#spool, "state.json");
    // Written by this class alone, as a whole.
    return existsSync(path)
      ? (JSON.parse(readFileSync(path, "utf8")) as State)
      : { parts: 0, journal: "journal-0.log" };
  }

  #replaceState(state: State): void {
    const path = join(this.#spool, "state.json");
    const fd = openSync(`${path}.new`, "w");
    writeAll(fd, Buffer.from(JSON.stringify(state)));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(`${path}.new`, path);
    this.#state = state;
  }

  #recover(): void {
    const { parts, journal } = this.#state;
    const part = join(this.#spool, `${partName(parts)}.new`);
    // The state was replaced, and the part not yet brought to its place.
    if (parts > 0 && existsSync(part)) renameSync(part, join(this.#settings.folder, partName(parts)));
    this.#removeLeftovers();
    const path = join(this.#spool, journal);
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    // A line without its end was not acknowledged.
    const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
    this.#held = this.#read(whole);
    if (whole.length < bytes.length) writeWhole(path, this.#held);
  }

  #removeLeftovers(): void {
    for (const name of readdirSync(this.#spool)) {
      if (name !== "state.json" && name !== this.#state.journal) rmSync(join(this.#spool, name), { force: true });
    }
  }

  close(): void {
    closeSync(this.#journal);
  }
}

const NEWLINE = Buffer.from("\n");

function partName(number: number): string {
  return `part-${String(number).padStart(6, "0")}.log`;
}

function writeWhole(path: string, lines: readonly Held[]): void {
  const fd = openSync(path, "w");
  try {
    writeAll(fd, Buffer.concat(lines.map(({ line }) => Buffer.concat([line, NEWLINE]))));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done);
}
