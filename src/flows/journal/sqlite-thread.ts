// The thread that writes one run's file, and waits for the disk so that the router need not.
//
// The lock is a second SQLite file in which a transaction stays open: it ends with the process, however that ends.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { Block, RowQuery, RunRecord } from "./journal.ts";
import { SqliteFile } from "./sqlite-file.ts";

export type Ask =
  | { readonly id: number; readonly what: "append"; readonly block: Block }
  | { readonly id: number; readonly what: "blocks"; readonly after: number; readonly limit: number }
  | { readonly id: number; readonly what: "rows"; readonly query: RowQuery }
  | { readonly id: number; readonly what: "close" };

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code: string };
}

export interface ThreadStart {
  readonly folder: string;
  readonly own: boolean;
  /** Takes the place of the run's record. */
  readonly record?: RunRecord;
}

function lock(folder: string): DatabaseSync {
  const held = new DatabaseSync(join(folder, "owner.db"), { timeout: 0 });
  held.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  return held;
}

// Started by sqlite-journal.ts alone, with this.
const { folder, own, record } = workerData as ThreadStart;
const port = parentPort;
if (port === null) throw new Error("sqlite-thread.ts is started as a thread");

function begin(): { file: SqliteFile; held: DatabaseSync | undefined } {
  const held = own ? lock(folder) : undefined;
  try {
    const file = new SqliteFile(folder);
    file.check({ repair: own });
    if (record !== undefined) file.describe(record);
    if (own) file.reserve();
    return { file, held };
  } catch (error) {
    held?.close();
    throw error;
  }
}

/** `handedOver`: buffers of the value that go along without being copied. */
function answer<T>(id: number, act: () => T, handedOver: (value: T) => readonly ArrayBuffer[] = () => []): void {
  try {
    const value = act();
    const reply: Answer = { id, value };
    port?.postMessage(reply, [...handedOver(value)]);
  } catch (error) {
    port?.postMessage({ id, error: problemOf(error) } satisfies Answer);
  }
}

function problemOf(error: unknown): { message: string; code: string } {
  const code = error instanceof Error && "errcode" in error ? String(error.errcode) : "";
  return { message: error instanceof Error ? error.message : String(error), code };
}

answer(0, () => {
  const { file, held } = begin();
  port.on("message", (ask: Ask) => {
    if (ask.what === "rows") {
      const { query } = ask;
      return answer(
        ask.id,
        () => file.rows(query),
        ({ columns }) => [columns.numbers.buffer],
      );
    }
    return answer(ask.id, () => {
      if (ask.what === "append") return file.append(ask.block);
      if (ask.what === "blocks") return file.blocks(ask.after, ask.limit);
      file.close();
      held?.close();
      // Once the answer has left.
      queueMicrotask(() => port.close());
      return undefined;
    });
  });
  return { record: file.record, damage: file.damage, position: file.position };
});
