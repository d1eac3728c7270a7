// One run's SQLite file: its tables, what is written in one transaction, and what is found when it is opened.
//
//   RUN/journal.db    blocks(position, chain, bytes), tasks(…), about(name, value)
//   RUN/head          the last acknowledged position and its chain, written after each commit and not synced
//
// SQLite drops a torn end of its write-ahead log without a word. The head tells on it: it is never ahead of what was
// acknowledged, so blocks that it names and the file lacks were lost.
//
// Each block's `chain` is the CRC-32 of its bytes continued from the block before: a block that was changed, lost or put elsewhere
// does not fit.

import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { FORMAT } from "../event-codec.ts";
import { STATES } from "../task.ts";
import type { Block, RowQuery, Rows, RunRecord, TaskRow } from "./journal.ts";
import { packRows, type RowColumns } from "./row-columns.ts";

const HEAD_BYTES = 16;
/** Of a page each, 2 MiB: so much of the write-ahead log is on disk before it is needed, and is written over again and again. */
const RESERVED_FRAMES = 512;
/** Larger files are not walked through page by page at each opening; their blocks are checked as they are read. */
const CHECK_LIMIT_BYTES = 256 * 1024 * 1024;

export function journalPath(folder: string): string {
  return join(folder, "journal.db");
}

export function createFile(folder: string, record: RunRecord): void {
  const database = connect(folder);
  database.exec(`BEGIN;
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE blocks (position INTEGER PRIMARY KEY, chain INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE TABLE tasks (
      id INTEGER PRIMARY KEY, root INTEGER NOT NULL, parent INTEGER NOT NULL, node INTEGER NOT NULL, state INTEGER NOT NULL,
      attempt INTEGER NOT NULL, sequence INTEGER NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,
      reason TEXT NOT NULL, key TEXT NOT NULL);`);
  const about = database.prepare("INSERT INTO about VALUES (?, ?)");
  about.run("format", String(FORMAT));
  about.run("record", JSON.stringify(record));
  about.run("rows", "0");
  database.exec("COMMIT");
  database.close();
}

function connect(folder: string): DatabaseSync {
  const database = new DatabaseSync(journalPath(folder), { timeout: 5_000 });
  // FULL: a commit is on disk when it returns, power failure or not.
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${RESERVED_FRAMES};`,
  );
  return database;
}

interface Head {
  readonly position: number;
  readonly chain: number;
}

export interface FoundRows extends Omit<Rows, "rows"> {
  readonly columns: RowColumns;
}

export class SqliteFile {
  readonly #folder: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #upsert: StatementSync;
  record: RunRecord;
  readonly damage: string[] = [];
  #position = 0;
  #chain = 0;
  #head: number | undefined;
  #counted: { readonly position: number; readonly counts: readonly number[] } | undefined;

  /** Throws an Error that names the file where it cannot be used at all. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#database = connect(folder);
    const about = this.#about("record");
    const format = this.#about("format");
    if (about === undefined || format === undefined) throw new Error(`${journalPath(folder)} is no journal of a run`);
    if (Number(format) > FORMAT) {
      throw new Error(`${journalPath(folder)} has format ${format}, and this version knows ${FORMAT}; use a newer one`);
    }
    // Written by `createFile`, of this format.
    this.record = JSON.parse(about) as RunRecord;
    this.#insert = this.#database.prepare("INSERT INTO blocks VALUES (?, ?, ?)");
    this.#upsert = this.#database.prepare("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  }

  get position(): number {
    return this.#position;
  }

  /** Looks at everything. `repair`: what does not fit is put aside, so that the run can go on from where it does. */
  check({ repair }: { readonly repair: boolean }): void {
    this.#checkPages();
    const blocks = this.#database.prepare("SELECT position, chain, bytes FROM blocks ORDER BY position");
    const head = readHead(this.#folder);
    for (const row of blocks.iterate()) {
      // Columns are as `createFile` made them.
      const { position, chain, bytes } = row as { position: number; chain: number; bytes: Uint8Array };
      if (position !== this.#position + 1 || chain !== crc32(bytes, this.#chain)) {
        this.#tornAt(this.#position + 1, repair);
        break;
      }
      this.#position = position;
      this.#chain = chain;
    }
    this.#compareHead(head);
    if (repair && this.#rowsPosition() > this.#position) this.#forgetRows();
  }

  #checkPages(): void {
    if (statSync(journalPath(this.#folder)).size > CHECK_LIMIT_BYTES) return;
    const [found] = this.#database.prepare("PRAGMA quick_check(1)").all();
    const says = String(found?.["quick_check"] ?? "");
    if (says !== "ok") this.damage.push(`${journalPath(this.#folder)}: ${says}`);
  }

  #tornAt(position: number, repair: boolean): void {
    const { left } = {
      left: 0,
      ...this.#database.prepare("SELECT count(*) AS left FROM blocks WHERE position >= ?").get(position),
    };
    this.damage.push(
      `${journalPath(this.#folder)}: block ${position} is not what was written; it and what came after it (${left} blocks) ${repair ? "were put aside in the table 'torn'" : "do not count"}`,
    );
    if (!repair) return;
    this.#database.exec(`BEGIN;
      CREATE TABLE IF NOT EXISTS torn (found INTEGER, position INTEGER, chain INTEGER, bytes BLOB);
      INSERT INTO torn SELECT (SELECT coalesce(max(found), 0) + 1 FROM torn), * FROM blocks WHERE position >= ${position};
      DELETE FROM blocks WHERE position >= ${position};
      COMMIT`);
  }

  #compareHead(head: Head | "damaged" | undefined): void {
    const path = join(this.#folder, "head");
    if (head === "damaged") {
      this.damage.push(`${path} is damaged: whether the last blocks are all there is not known`);
    } else if (head === undefined) {
      if (this.#position > 0)
        this.damage.push(`${path} is missing: whether the last blocks are all there is not known`);
    } else if (head.position > this.#position) {
      const lost = head.position - this.#position;
      this.damage.push(
        `${journalPath(this.#folder)}: ends at block ${this.#position}, and block ${head.position} had been acknowledged: ${lost} ${lost === 1 ? "block is" : "blocks are"} lost`,
      );
    } else if (head.position === this.#position && head.chain !== this.#chain) {
      this.damage.push(`${journalPath(this.#folder)}: block ${head.position} is another one than was acknowledged`);
    }
  }

  /** Throws what SQLite throws; then nothing of it is kept. */
  append({ position, bytes, rows }: Block): void {
    if (position !== this.#position + 1) throw new Error(`block ${position} does not follow block ${this.#position}`);
    const chain = crc32(bytes, this.#chain);
    // One statement is a transaction by itself.
    if (rows === undefined) this.#insert.run(position, chain, bytes);
    else this.#appendWith(rows, { position, bytes, chain });
    this.#position = position;
    this.#chain = chain;
    this.#writeHead({ position, chain });
  }

  #appendWith(rows: readonly TaskRow[], { position, bytes, chain }: Head & { readonly bytes: Uint8Array }): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#insert.run(position, chain, bytes);
      this.#writeRows(rows, position);
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite has ended the transaction by itself where the disk is full.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Makes the write-ahead log as large as it will be: what is written over costs the disk about half of what a file that grows does,
   * for which it writes down the new size and place too. What is written here means nothing and need not last. A disk without room goes without.
   */
  reserve(frames = RESERVED_FRAMES): void {
    const database = this.#database;
    database.exec("PRAGMA synchronous = OFF");
    try {
      const frame = database.prepare("INSERT OR REPLACE INTO about VALUES ('reserved', ?)");
      // Each is another value: SQLite writes no page that stays the same.
      for (let number = 1; number <= frames; number++) frame.run(String(number));
      database.exec("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // What cannot be written is found out, and said, by the first block that has to be.
    } finally {
      database.exec("PRAGMA synchronous = FULL");
    }
  }

  #writeRows(rows: readonly TaskRow[], position: number): void {
    const upsert = this.#upsert;
    for (const { id, root, parent, node, state, attempt, sequence, createdAt, changedAt, reason, key } of rows) {
      upsert.run(id, root, parent, node, state, attempt, sequence, createdAt, changedAt, reason, key);
    }
    this.#database.prepare("UPDATE about SET value = ? WHERE name = 'rows'").run(String(position));
  }

  /** Another record for the run. */
  describe(record: RunRecord): void {
    this.#database.prepare("UPDATE about SET value = ? WHERE name = 'record'").run(JSON.stringify(record));
    this.record = record;
  }

  /** How large the file may become, in pages of 4 KiB. */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${Math.floor(pages)}`);
  }

  blocks(after: number, limit: number): { position: number; bytes: Uint8Array<ArrayBuffer> }[] {
    const found = this.#database
      .prepare("SELECT position, bytes FROM blocks WHERE position > ? AND position <= ? ORDER BY position LIMIT ?")
      .all(after, this.#position, limit);
    return found.map((row) => ({
      position: Number(row["position"]),
      bytes: Uint8Array.from(row["bytes"] as Uint8Array),
    }));
  }

  rows({ states, node, root, task, after = 0, limit }: RowQuery): FoundRows {
    const where = ["id > ?"];
    const values: number[] = [after];
    const only = (column: string, value: number | undefined) => {
      if (value === undefined) return;
      where.push(`${column} = ?`);
      values.push(value);
    };
    only("node", node);
    only("root", root);
    only("id", task);
    if (states !== undefined) {
      where.push(`state IN (${states.map(() => "?").join(", ")})`);
      values.push(...states);
    }
    this.#database.exec("BEGIN");
    try {
      const position = this.#rowsPosition();
      const select = this.#database.prepare(`SELECT * FROM tasks WHERE ${where.join(" AND ")} ORDER BY id LIMIT ?`);
      select.setReturnArrays(true);
      // So it returns them, whatever its declaration says.
      const found = select.iterate(...values, limit) as unknown as Iterable<readonly unknown[]>;
      return { position, columns: packRows(found), counts: this.#countsAt(position) };
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  /** All rows are counted, so once for each position: who reads page after page waits for it once. */
  #countsAt(position: number): readonly number[] {
    if (this.#counted?.position === position) return this.#counted.counts;
    const counts = STATES.map(() => 0);
    for (const row of this.#database.prepare("SELECT state, count(*) AS tasks FROM tasks GROUP BY state").all()) {
      counts[Number(row["state"])] = Number(row["tasks"]);
    }
    this.#counted = { position, counts };
    return counts;
  }

  close(): void {
    if (this.#head !== undefined) closeSync(this.#head);
    this.#database.close();
  }

  #forgetRows(): void {
    this.#counted = undefined;
    this.#database.exec("BEGIN; DELETE FROM tasks; UPDATE about SET value = '0' WHERE name = 'rows'; COMMIT");
  }

  #rowsPosition(): number {
    return Number(this.#about("rows") ?? 0);
  }

  #about(name: string): string | undefined {
    const found = this.#database.prepare("SELECT value FROM about WHERE name = ?").get(name)?.["value"];
    return typeof found === "string" ? found : undefined;
  }

  #writeHead({ position, chain }: Head): void {
    this.#head ??= openSync(join(this.#folder, "head"), "w");
    const bytes = Buffer.alloc(HEAD_BYTES);
    bytes.writeDoubleLE(position, 0);
    bytes.writeUInt32LE(chain, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    writeSync(this.#head, bytes, 0, HEAD_BYTES, 0);
  }
}

function readHead(folder: string): Head | "damaged" | undefined {
  const path = join(folder, "head");
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(12) !== crc32(bytes.subarray(0, 12))) return "damaged";
  return { position: bytes.readDoubleLE(0), chain: bytes.readUInt32LE(8) };
}
