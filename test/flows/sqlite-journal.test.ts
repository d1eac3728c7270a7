// The journal in SQLite: its promises, one owner across processes, and every way in which its files may be damaged.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { memoryJournals, sqliteJournals } from "unum/flows";
import { createFile, SqliteFile } from "../../src/flows/journal/sqlite-file.ts";
import { bytesOf, journalPromises, recordOf, rowOf, textsOf } from "./journal-promises.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "unum-journal-"));
  folders.push(folder);
  return folder;
}

journalPromises("the journal in SQLite", async () => ({
  journals: sqliteJournals(scratch()),
  crash: (journal) => journal.close(),
}));

journalPromises("the journal in memory", async () => ({
  journals: memoryJournals(),
  crash: (journal) => journal.close(),
}));

/** A run of six blocks whose process died: its write-ahead log is as it was. Little of it is reserved: each of its bytes is looked at. */
function died(): string {
  const folder = scratch();
  createFile(folder, recordOf("a"));
  const file = new SqliteFile(folder);
  file.reserve(12);
  for (let position = 1; position <= 6; position++) {
    const rows = position === 4 ? [rowOf(1, 3)] : undefined;
    file.append({ position, bytes: bytesOf(`block ${position} `.repeat(8)), rows });
  }
  const copy = join(scratch(), "a");
  cpSync(folder, copy, { recursive: true });
  file.close();
  return copy;
}

/** What an opening says of a copy of the run that somebody damaged: all six blocks, or the damage. */
function opened(run: string): { readonly blocks: readonly string[]; readonly damage: readonly string[] } {
  try {
    const file = new SqliteFile(run);
    try {
      file.check({ repair: true });
      return { blocks: file.blocks(0, 100).map(({ bytes }) => new TextDecoder().decode(bytes)), damage: file.damage };
    } finally {
      file.close();
    }
  } catch (error) {
    return { blocks: [], damage: [String(error)] };
  }
}

const ALL = Array.from({ length: 6 }, (_, index) => `block ${index + 1} `.repeat(8));

function judge(run: string, what: string): boolean {
  const { blocks, damage } = opened(run);
  assert.deepEqual(blocks, ALL.slice(0, blocks.length), `${what}: blocks that were never written`);
  assert.ok(
    blocks.length === ALL.length || damage.length > 0,
    `${what}: ${ALL.length - blocks.length} acknowledged blocks lost without a word`,
  );
  return damage.length > 0;
}

// UNUM_DAMAGE_STEP=1 tries every byte; else a sample whose steps are coprime with pages and frames, so that every part is met.
const step = Number(process.env["UNUM_DAMAGE_STEP"] ?? 211);

describe("damage", { timeout: Math.max(240_000, 14_400_000 / step) }, () => {
  it("is none after a mere crash", () => {
    assert.deepEqual(opened(died()), { blocks: ALL, damage: [] });
  });

  for (const name of ["journal.db", "journal.db-wal", "head"]) {
    it(`is reported wherever ${name} is cut`, () => {
      const run = died();
      const { length } = readFileSync(join(run, name));
      let reported = 0;
      for (let end = 0; end < length; end += name === "head" ? 1 : step) {
        const copy = join(scratch(), "a");
        cpSync(run, copy, { recursive: true });
        truncateSync(join(copy, name), end);
        if (judge(copy, `${name} cut at ${end}`)) reported++;
        rmSync(copy, { recursive: true });
      }
      assert.ok(reported > 0);
    });

    it(`is reported wherever ${name} is flipped, if anything was lost`, () => {
      const run = died();
      const bytes = readFileSync(join(run, name));
      let reported = 0;
      for (let at = 0; at < bytes.length; at += name === "head" ? 1 : step) {
        const copy = join(scratch(), "a");
        cpSync(run, copy, { recursive: true });
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 0x55;
        writeFileSync(join(copy, name), flipped);
        if (judge(copy, `${name} flipped at ${at}`)) reported++;
        rmSync(copy, { recursive: true });
      }
      assert.ok(reported > 0);
    });
  }

  it("of the last blocks is put aside, and the run goes on from what fits", async () => {
    const run = died();
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(join(run, "journal.db"));
    database.exec("UPDATE blocks SET bytes = x'00' WHERE position = 5");
    database.close();
    const journals = sqliteJournals(join(run, ".."));
    const journal = await journals.open("a");
    assert.equal(journal.position, 4);
    assert.match(
      journal.damage[0] ?? "",
      /block 5 is not what was written; .*2 blocks.* put aside in the table 'torn'/,
    );
    await journal.append({ position: 5, bytes: bytesOf("new"), rows: undefined });
    assert.deepEqual((await textsOf(journal)).at(-1), "new");
    await journal.close();
    const again = await journals.open("a");
    assert.deepEqual([again.position, again.damage], [5, []]);
    await again.close();
  });

  it("is not looked for in what was reserved and not yet written", () => {
    const folder = scratch();
    createFile(folder, recordOf("a"));
    const file = new SqliteFile(folder);
    file.reserve(64);
    const size = () => readFileSync(join(folder, "journal.db-wal")).length;
    const reserved = size();
    assert.ok(reserved >= 64 * 4_096, `${reserved} bytes`);
    for (let position = 1; position <= 20; position++)
      file.append({ position, bytes: bytesOf(`block ${position}`), rows: undefined });
    assert.equal(size(), reserved);
    const copy = join(scratch(), "a");
    cpSync(folder, copy, { recursive: true });
    file.close();
    const { blocks, damage } = opened(copy);
    assert.deepEqual([blocks.length, damage], [20, []]);
  });

  it("is a full disk: refused with what to do, and taken when there is room", async () => {
    const folder = scratch();
    const journals = sqliteJournals(folder);
    const journal = await journals.create(recordOf("a"));
    await journal.append({ position: 1, bytes: bytesOf("one"), rows: undefined });
    await journal.close();
    // SQLite's own limit on the size of its file stands for a disk without room: the same code, the same way back.
    const file = new SqliteFile(join(folder, "a"));
    file.check({ repair: true });
    file.limitPages(12);
    assert.throws(() => file.append({ position: 2, bytes: new Uint8Array(200_000), rows: undefined }), { errcode: 13 });
    file.limitPages(1_000);
    file.append({ position: 2, bytes: new Uint8Array(200_000), rows: undefined });
    assert.equal(file.position, 2);
    file.close();
  });
});
