// What every journal promises, run over each of them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Journal, Journals, RunRecord, TaskRow } from "unum/flows";

export interface JournalWorld {
  readonly journals: Journals;
  /** As if the process that owns it had died: what is open goes on without it. */
  readonly crash: (journal: Journal) => Promise<void>;
}

export function recordOf(id: string): RunRecord {
  return {
    id,
    flow: "f",
    version: "1.0.0",
    createdAt: 1,
    from: "",
    graph: { name: "f", version: "1.0.0", nodes: [], edges: [] },
  };
}

export function rowOf(id: number, state: number, changes: Partial<TaskRow> = {}): TaskRow {
  return {
    ...{
      id,
      root: id,
      parent: 0,
      node: 0,
      state,
      attempt: 1,
      sequence: 1,
      createdAt: 1,
      changedAt: 2,
      reason: "",
      key: "",
    },
    ...changes,
  };
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export async function textsOf(journal: Pick<Journal, "blocks">, after = 0): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes } of journal.blocks(after)) texts.push(new TextDecoder().decode(bytes));
  return texts;
}

export function journalPromises(name: string, make: () => Promise<JournalWorld>): void {
  describe(`${name} promises`, { timeout: 120_000 }, () => {
    it("that closing it twice is closing it once", async () => {
      const { journals } = await make();
      const journal = await journals.create(recordOf("a"));
      await Promise.all([journal.close(), journal.close()]);
      await journal.close();
    });

    it("that blocks are read back in their order, from wherever one asks", async () => {
      const { journals } = await make();
      const journal = await journals.create(recordOf("a"));
      const texts = Array.from({ length: 150 }, (_, index) => `block ${index + 1}`);
      await Promise.all(
        texts.map((text, index) => journal.append({ position: index + 1, bytes: bytesOf(text), rows: undefined })),
      );
      assert.equal(journal.position, 150);
      assert.deepEqual(await textsOf(journal), texts);
      await journal.close();
      const again = await journals.open("a");
      assert.deepEqual([again.position, again.damage], [150, []]);
      assert.deepEqual(await textsOf(again, 148), ["block 149", "block 150"]);
      await again.close();
    });

    it("that what was acknowledged is there after a crash", async () => {
      const { journals, crash } = await make();
      const journal = await journals.create(recordOf("a"));
      await journal.append({ position: 1, bytes: bytesOf("one"), rows: [rowOf(1, 0)] });
      await crash(journal);
      const again = await journals.open("a");
      assert.deepEqual(await textsOf(again), ["one"]);
      assert.equal((await again.rows({ limit: 10 })).rows.length, 1);
      await again.close();
    });

    it("that rows stand for a position, the newest of each task, and are found by what is asked", async () => {
      const { journals } = await make();
      const journal = await journals.create(recordOf("a"));
      await journal.append({
        position: 1,
        bytes: bytesOf("x"),
        rows: [rowOf(1, 0), rowOf(2, 0), rowOf(3, 3, { node: 4, reason: "why", key: "k" })],
      });
      await journal.append({ position: 2, bytes: bytesOf("y"), rows: undefined });
      await journal.append({
        position: 3,
        bytes: bytesOf("z"),
        rows: [rowOf(1, 9, { sequence: 7, changedAt: 1_764_000_000_000 })],
      });
      const all = await journal.rows({ limit: 10 });
      assert.deepEqual(
        [all.position, all.rows.map(({ id }) => id), all.counts.slice(0, 10)],
        [3, [1, 2, 3], [1, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
      );
      assert.deepEqual((await journal.rows({ states: [9], limit: 10 })).rows, [
        rowOf(1, 9, { sequence: 7, changedAt: 1_764_000_000_000 }),
      ]);
      assert.deepEqual((await journal.rows({ node: 4, limit: 10 })).rows, [
        rowOf(3, 3, { node: 4, reason: "why", key: "k" }),
      ]);
      assert.deepEqual(
        (await journal.rows({ after: 1, limit: 1 })).rows.map(({ id }) => id),
        [2],
      );
      assert.deepEqual((await journal.rows({ task: 99, limit: 1 })).rows, []);
      await journal.close();
    });

    it("that runs are listed, and that an id is given once", async () => {
      const { journals } = await make();
      const one = await journals.create(recordOf("a"));
      await assert.rejects(journals.create(recordOf("a")), { code: "invalid" });
      await assert.rejects(journals.open("b"), { code: "not-found" });
      const two = await journals.create({ ...recordOf("b"), createdAt: 2 });
      await two.close();
      const listed = await journals.list();
      assert.deepEqual(
        listed.map(({ record, owned }) => [record.id, owned]),
        [
          ["b", false],
          ["a", true],
        ],
      );
      await one.close();
    });

    it("that a run has one owner, and that others may read meanwhile", async () => {
      const { journals } = await make();
      const owner = await journals.create(recordOf("a"));
      await owner.append({ position: 1, bytes: bytesOf("one"), rows: undefined });
      const reader = await journals.read("a");
      assert.deepEqual(await textsOf(reader), ["one"]);
      await reader.close();
      await owner.append({ position: 2, bytes: bytesOf("two"), rows: undefined });
      await owner.close();
      await assert.rejects(owner.append({ position: 3, bytes: bytesOf("three"), rows: undefined }));
      const next = await journals.open("a");
      assert.deepEqual(await textsOf(next), ["one", "two"]);
      await next.close();
    });
  });
}
