// Rows on their way from the thread that reads them: numbers side by side in one buffer that is handed over, and the few texts that are not
// empty. A hot path: a million rows as objects take four times as long to copy as to read (`npm run bench -- flows-rows`).

import type { TaskRow } from "./journal.ts";

/** In the order of the table's columns. */
const NUMBERS = 9;

export interface RowColumns {
  readonly count: number;
  /** Row after row: id, root, parent, node, state, attempt, sequence, created, changed. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Of rows that have one: place, reason, key. */
  readonly texts: readonly (readonly [number, string, string])[];
}

/** Each row as SQLite gives it: nine numbers, reason, key. */
export function packRows(rows: Iterable<readonly unknown[]>): RowColumns {
  let numbers = new Float64Array(NUMBERS * 1_024);
  const texts: [number, string, string][] = [];
  let count = 0;
  for (const row of rows) {
    const at = count * NUMBERS;
    if (at === numbers.length) {
      const larger = new Float64Array(numbers.length * 2);
      larger.set(numbers);
      numbers = larger;
    }
    for (let column = 0; column < NUMBERS; column++) numbers[at + column] = Number(row[column]);
    const [reason, key] = [String(row[NUMBERS]), String(row[NUMBERS + 1])];
    if (reason !== "" || key !== "") texts.push([count, reason, key]);
    count++;
  }
  return { count, numbers: numbers.slice(0, count * NUMBERS), texts };
}

export function unpackRows({ count, numbers, texts }: RowColumns): TaskRow[] {
  const rows: TaskRow[] = [];
  let next = 0;
  for (let index = 0; index < count; index++) {
    const text = texts[next];
    const has = text !== undefined && text[0] === index;
    if (has) next++;
    const number = (column: number) => numbers[index * NUMBERS + column] ?? 0;
    rows.push({
      id: number(0),
      root: number(1),
      parent: number(2),
      node: number(3),
      state: number(4),
      attempt: number(5),
      sequence: number(6),
      createdAt: number(7),
      changedAt: number(8),
      reason: has ? text[1] : "",
      key: has ? text[2] : "",
    });
  }
  return rows;
}
