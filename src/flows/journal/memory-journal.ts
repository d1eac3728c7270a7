// Runs in memory, for the simulator and for tests: the same promises within one process, a disk's time on a clock that is handed in.

import { Fault } from "unum";
import { type Clock, sleep } from "../../base/clock.ts";
import { STATES } from "../task.ts";
import type { Block, Journal, Journals, RowQuery, Rows, RunRecord, TaskRow } from "./journal.ts";

interface Kept {
  record: RunRecord;
  readonly blocks: Uint8Array<ArrayBuffer>[];
  readonly rows: Map<number, TaskRow>;
  rowsPosition: number;
  owner: number;
  owned: boolean;
}

export interface MemoryJournalSettings {
  readonly clock?: Clock;
  /** What a write to disk takes. Default: none. */
  readonly syncMs?: number;
}

/** A journal that is opened again belongs to who opened it last: whoever had it is as dead as after a crash. */
export function memoryJournals({ clock, syncMs = 0 }: MemoryJournalSettings = {}): Journals {
  const runs = new Map<string, Kept>();
  const wait = async () => {
    if (clock !== undefined && syncMs > 0) await sleep(clock, syncMs);
  };
  const get = (id: string) => {
    const kept = runs.get(id);
    if (kept === undefined) throw new Fault("not-found", `no run '${id}'`);
    return kept;
  };
  return {
    create: async (record) => {
      if (runs.has(record.id)) throw new Fault("invalid", `the run '${record.id}' is there already; choose another id`);
      const kept: Kept = { record, blocks: [], rows: new Map(), rowsPosition: 0, owner: 1, owned: true };
      runs.set(record.id, kept);
      return journalOf(kept, kept.owner, wait);
    },
    open: async (id, changed) => {
      const kept = get(id);
      kept.record = changed ?? kept.record;
      kept.owned = true;
      return journalOf(kept, ++kept.owner, wait);
    },
    read: async (id) => journalOf(get(id), 0, wait),
    list: async () => [...runs.values()].reverse().map(({ record, owned }) => ({ record, owned })),
  };
}

function journalOf(kept: Kept, owner: number, wait: () => Promise<void>): Journal {
  return {
    record: kept.record,
    damage: [],
    get position() {
      return kept.blocks.length;
    },
    append: async ({ position, bytes, rows }: Block) => {
      await wait();
      if (kept.owner !== owner) throw new Fault("denied", `another router owns the run '${kept.record.id}' now`);
      if (position !== kept.blocks.length + 1)
        throw new Fault("internal", `block ${position} does not follow block ${kept.blocks.length}`);
      kept.blocks.push(bytes);
      if (rows === undefined) return;
      for (const row of rows) kept.rows.set(row.id, row);
      kept.rowsPosition = position;
    },
    blocks: async function* (after) {
      for (const [index, bytes] of kept.blocks.slice(after).entries()) yield { position: after + index + 1, bytes };
    },
    rows: async (query) => rowsOf(kept, query),
    close: async () => {
      if (kept.owner !== owner) return;
      kept.owner++;
      kept.owned = false;
    },
  };
}

function rowsOf(kept: Kept, { states, node, root, task, after = 0, limit }: RowQuery): Rows {
  const counts = STATES.map(() => 0);
  for (const { state } of kept.rows.values()) counts[state] = (counts[state] ?? 0) + 1;
  const rows = [...kept.rows.values()]
    .filter(
      (row) =>
        row.id > after &&
        (states === undefined || states.includes(row.state)) &&
        (node === undefined || row.node === node) &&
        (root === undefined || row.root === root) &&
        (task === undefined || row.id === task),
    )
    .sort((a, b) => a.id - b.id)
    .slice(0, limit);
  return { position: kept.rowsPosition, rows, counts };
}
