// What keeps runs: an append-only journal of blocks, and rows of what became of each task.
//
//   events ──▶ one block being filled ──▶ append ──▶ on disk, acknowledged
//                  ▲ while the last one is written        └─ rows that changed, now and then, in the same transaction
//
// Invariants every implementation keeps (src/testing/… runs its promises suite over each)
//   J1. `append` settles when the block survives a power failure; blocks are kept in the order of their positions, 1, 2, 3 …
//   J2. What was acknowledged is read back, or its loss is reported by `damage`; never neither.
//   J3. One owner writes. Whoever lost its ownership is refused with `denied`, and nothing of it is kept.
//   J4. Rows stand for one position: every change up to it and none after it, once all that changed was handed over.

import type { GraphRecord } from "../graph-record.ts";

export interface RunRecord {
  readonly id: string;
  readonly flow: string;
  readonly version: string;
  /** By the clock on the wall, in ms. */
  readonly createdAt: number;
  /** From `createdAt`: the time that the whole run may take. Undefined: any. */
  readonly withinMs?: number;
  /** Where the flow was loaded from; "" where no command did. */
  readonly from: string;
  /** What its first events and its rows speak of by number. */
  readonly graph: GraphRecord;
}

/** What became of one task. */
export interface TaskRow {
  readonly id: number;
  readonly root: number;
  readonly parent: number;
  readonly node: number;
  /** Its place in STATES. */
  readonly state: number;
  readonly attempt: number;
  readonly sequence: number;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly reason: string;
  readonly key: string;
}

export interface Block {
  readonly position: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Rows as they stand at this position; undefined: none this time. */
  readonly rows: readonly TaskRow[] | undefined;
}

export interface RowQuery {
  /** Places in STATES; undefined: all. */
  readonly states?: readonly number[];
  readonly node?: number;
  readonly root?: number;
  readonly task?: number;
  /** Ids after this one, in their order. */
  readonly after?: number;
  readonly limit: number;
}

export interface Rows {
  /** The position they stand for. */
  readonly position: number;
  readonly rows: readonly TaskRow[];
  /** Tasks by place in STATES, over the whole run. */
  readonly counts: readonly number[];
}

/** One run's journal, to be read. */
export interface JournalReader {
  readonly record: RunRecord;
  /** What was found wrong, and what was done about it; empty where all is well. */
  readonly damage: readonly string[];
  /** The last block that is kept. */
  readonly position: number;
  /** In order, from the one after `after`. */
  blocks(after: number): AsyncIterable<{ readonly position: number; readonly bytes: Uint8Array }>;
  rows(query: RowQuery): Promise<Rows>;
  close(): Promise<void>;
}

/** The same for who owns it. */
export interface Journal extends JournalReader {
  /**
   * Blocks come in the order of their positions, one after the other has settled or not.
   * Rejects with `overloaded` where there is no room: the same block may be handed over again.
   * Rejects with `denied` where another owns the run now.
   */
  append(block: Block): Promise<void>;
}

export interface Journals {
  /** Rejects with `invalid` where the id is taken. */
  create(record: RunRecord): Promise<Journal>;
  /** To go on with a run; `changed` takes the place of its record. Rejects with `denied` while another process owns it, with `not-found` where there is none. */
  open(id: string, changed?: RunRecord): Promise<Journal>;
  /** To look at one, owned or not. */
  read(id: string): Promise<JournalReader>;
  /** The newest first. */
  list(): Promise<readonly RunListing[]>;
}

export interface RunListing {
  readonly record: RunRecord;
  readonly owned: boolean;
  /** What its file holds cannot be read. */
  readonly problem?: string;
}
