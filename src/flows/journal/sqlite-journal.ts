// Runs in a folder, one SQLite file each: nothing to install, one computer. What it promises stands in journal.ts.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { Fault } from "unum";
import { asError } from "../../base/fault.ts";
import type { Block, Journal, Journals, RowQuery, Rows, RunListing, RunRecord } from "./journal.ts";
import { unpackRows } from "./row-columns.ts";
import { createFile, type FoundRows, journalPath, SqliteFile } from "./sqlite-file.ts";
import type { Answer, Ask, ThreadStart } from "./sqlite-thread.ts";

/** Blocks asked for at once when a run is read back. */
const READ_AHEAD = 64;

/** The folder is made where it is missing. */
export function sqliteJournals(folder: string): Journals {
  const placeOf = (id: string) => join(folder, runName(id));
  const existing = (id: string) => {
    const place = placeOf(id);
    if (!existsSync(journalPath(place)))
      throw new Fault("not-found", `no run '${id}' in ${folder}; 'unum flow list' shows those that are`);
    return place;
  };
  return {
    create: async (record) => {
      const place = placeOf(record.id);
      if (existsSync(journalPath(place)))
        throw new Fault("invalid", `the run '${record.id}' is there already; resume it, or choose another id`);
      try {
        mkdirSync(place, { recursive: true });
        createFile(place, record);
      } catch (thrown) {
        throw faultOf(asError(thrown), place);
      }
      return openThread({ folder: place, own: true });
    },
    open: async (id, changed) =>
      openThread({ folder: existing(id), own: true, ...(changed !== undefined && { record: changed }) }),
    read: async (id) => openThread({ folder: existing(id), own: false }),
    list: async () => listing(folder),
  };
}

function runName(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/.test(id)) {
    throw new Fault("invalid", `'${id}' is no id of a run; use letters, digits, '.', '_' and '-'`);
  }
  return id;
}

function listing(folder: string): RunListing[] {
  if (!existsSync(folder)) return [];
  const runs = readdirSync(folder).filter((name) => existsSync(journalPath(join(folder, name))));
  return runs.map((name) => listed(join(folder, name), name)).sort((a, b) => b.record.createdAt - a.record.createdAt);
}

function listed(place: string, id: string): RunListing {
  const owned = isOwned(place);
  try {
    const file = new SqliteFile(place);
    const { record } = file;
    file.close();
    return { record, owned };
  } catch (thrown) {
    const graph = { name: "", version: "", nodes: [], edges: [] };
    const record = { id, flow: "", version: "", createdAt: 0, from: "", graph };
    return { record, owned, problem: asError(thrown).message };
  }
}

function isOwned(place: string): boolean {
  if (!existsSync(join(place, "owner.db"))) return false;
  const look = new DatabaseSync(join(place, "owner.db"), { timeout: 0 });
  try {
    look.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return false;
  } catch {
    return true;
  } finally {
    look.close();
  }
}

async function openThread(start: ThreadStart): Promise<Journal> {
  const thread = new Worker(new URL("sqlite-thread.ts", import.meta.url), { workerData: start, execArgv: [] });
  const journal = new ThreadJournal(thread, start.folder);
  await journal.opened();
  return journal;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class ThreadJournal implements Journal {
  readonly #thread: Worker;
  readonly #folder: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #first: Promise<unknown>;
  #record: RunRecord | undefined;
  #damage: readonly string[] = [];
  #position = 0;
  #nextId = 1;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(thread: Worker, folder: string) {
    this.#thread = thread;
    this.#folder = folder;
    this.#first = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    thread.on("message", (answer: Answer) => this.#answered(answer));
    thread.on("error", (thrown) => {
      this.#failAll(
        new Fault("internal", `the journal's thread failed: ${asError(thrown).message}`, { cause: thrown }),
      );
    });
    thread.on("exit", () => this.#failAll(new Fault("undeliverable", `the journal of ${folder} is closed`)));
  }

  async opened(): Promise<void> {
    try {
      // The thread's first answer (sqlite-thread.ts).
      const { record, damage, position } = (await this.#first) as {
        record: RunRecord;
        damage: string[];
        position: number;
      };
      this.#record = record;
      this.#damage = damage;
      this.#position = position;
    } catch (error) {
      await this.#thread.terminate();
      throw error;
    }
  }

  get record(): RunRecord {
    if (this.#record === undefined) throw new Fault("internal", "the journal is used before it was opened");
    return this.#record;
  }

  get damage(): readonly string[] {
    return this.#damage;
  }

  get position(): number {
    return this.#position;
  }

  async append(block: Block): Promise<void> {
    await this.#ask({ id: this.#nextId++, what: "append", block });
    this.#position = block.position;
  }

  async *blocks(after: number): AsyncGenerator<{ position: number; bytes: Uint8Array }> {
    let last = after;
    for (;;) {
      const asked = this.#ask({ id: this.#nextId++, what: "blocks", after: last, limit: READ_AHEAD });
      // As sqlite-thread.ts answers it.
      const found = (await asked) as { position: number; bytes: Uint8Array }[];
      yield* found;
      last = found.at(-1)?.position ?? last;
      if (found.length < READ_AHEAD) return;
    }
  }

  async rows(query: RowQuery): Promise<Rows> {
    // As sqlite-thread.ts answers it.
    const found = (await this.#ask({ id: this.#nextId++, what: "rows", query })) as FoundRows;
    const { position, counts, columns } = found;
    return { position, counts, rows: unpackRows(columns) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    const gone = new Promise<void>((resolve) => this.#thread.once("exit", () => resolve()));
    await this.#ask({ id: this.#nextId++, what: "close" });
    this.#closed = true;
    await gone;
  }

  #ask(ask: Ask): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Fault("undeliverable", `the journal of ${this.#folder} is closed`));
    return new Promise((resolve, reject) => {
      this.#waiting.set(ask.id, { resolve, reject });
      this.#thread.postMessage(ask);
    });
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else
      waiting?.reject(faultOf(Object.assign(new Error(error.message), { errcode: Number(error.code) }), this.#folder));
  }

  #failAll(error: Error): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** SQLite's primary result codes. */
const BUSY = 5;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

function faultOf(error: Error, place: string): Fault {
  const code = "errcode" in error ? Number(error.errcode) & 0xff : 0;
  const system = "code" in error ? String(error.code) : "";
  const path = journalPath(place);
  const options = { cause: error };
  if (code === BUSY) {
    return new Fault(
      "denied",
      `another process runs this run (${place}); 'unum flow status' shows it, 'unum flow cancel' ends it`,
      options,
    );
  }
  if (code === FULL || code === IO_ERROR || system === "ENOSPC") {
    return new Fault(
      "overloaded",
      `${path} cannot be written: ${error.message}; make room on that disk, the run goes on by itself`,
      options,
    );
  }
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return new Fault(
      "invalid",
      `${path} is damaged: ${error.message}; bring it back from a copy, or read what is left with 'sqlite3 ${path} .recover'`,
      options,
    );
  }
  if (system === "EACCES" || system === "EPERM" || system === "EROFS") {
    return new Fault(
      "denied",
      `${place} cannot be written: ${error.message}; set UNUM_HOME to a folder of yours`,
      options,
    );
  }
  return new Fault("internal", `${path}: ${error.message}`, options);
}
