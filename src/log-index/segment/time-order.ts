// The rows of a segment under construction put in order of time, those of one second as they came.
//
// A hot path, written for the machine (bench/logs.ts); the reference in columns.test.ts is Array.prototype.sort. Most lines come in
// order and few are late, so only the late ones are sorted, and put where they belong among the others; where many are late, as
// in logs that are written when an answer is sent, all are.

import { radixSort } from "./radix.ts";

export interface TimeOrder {
  /** In order; longer than the rows, maybe. */
  readonly times: Uint32Array;
  /** Which row of those that came is at each place. */
  readonly order: Uint32Array;
}

/** More than one in so many are many. */
const FEW = 6;

/** Times and rows to be written to; each as long as there are rows, or longer. */
export function timeOrder(times: Uint32Array, rows: number, into: TimeOrder): TimeOrder {
  const late = lateOf(times, rows);
  return late === undefined ? sorted(times, rows, into) : withLate(times, rows, late, into);
}

/** Rows that are older than the newest before them, in order of time; undefined where they are many. */
function lateOf(times: Uint32Array, rows: number): Uint32Array | undefined {
  const limit = Math.ceil(rows / FEW);
  const late = { keys: new Uint32Array(limit), values: new Uint32Array(limit) };
  let count = 0;
  let newest = 0;
  for (let row = 0; row < rows; row++) {
    const time = times[row] ?? 0;
    if (time >= newest) newest = time;
    else {
      if (count === limit) return undefined;
      late.keys[count] = time;
      late.values[count] = row;
      count++;
    }
  }
  const spare = { keys: new Uint32Array(count), values: new Uint32Array(count) };
  return radixSort(count, late, spare).values.subarray(0, count);
}

/**
 * A late row goes behind all of its second that are not late: those came before it, since whatever came later and is not late is
 * at least as new as the line that made it late.
 */
function withLate(times: Uint32Array, rows: number, late: Uint32Array, into: TimeOrder): TimeOrder {
  let at = 0;
  let next = 0;
  let lateRow = late[0] ?? 0;
  let lateTime = late.length === 0 ? Number.POSITIVE_INFINITY : (times[lateRow] ?? 0);
  let newest = 0;
  for (let row = 0; row < rows; row++) {
    const time = times[row] ?? 0;
    if (time < newest) continue;
    newest = time;
    while (lateTime < time) {
      into.order[at] = lateRow;
      into.times[at++] = lateTime;
      lateRow = late[++next] ?? 0;
      lateTime = next === late.length ? Number.POSITIVE_INFINITY : (times[lateRow] ?? 0);
    }
    into.order[at] = row;
    into.times[at++] = time;
  }
  for (; next < late.length; next++, at++) {
    const row = late[next] ?? 0;
    into.order[at] = row;
    into.times[at] = times[row] ?? 0;
  }
  return into;
}

function sorted(times: Uint32Array, rows: number, into: TimeOrder): TimeOrder {
  let first = 0xffffffff;
  for (let row = 0; row < rows; row++) first = Math.min(first, times[row] ?? 0);
  const pair = { keys: new Uint32Array(rows), values: new Uint32Array(rows) };
  for (let row = 0; row < rows; row++) {
    pair.keys[row] = (times[row] ?? 0) - first;
    pair.values[row] = row;
  }
  const spare = { keys: new Uint32Array(rows), values: new Uint32Array(rows) };
  const { values } = radixSort(rows, pair, spare);
  for (let i = 0; i < rows; i++) {
    const row = values[i] ?? 0;
    into.order[i] = row;
    into.times[i] = times[row] ?? 0;
  }
  return into;
}
