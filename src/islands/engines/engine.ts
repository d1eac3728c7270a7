// What every engine is: it asks for candidates and is told their values, generation by generation.
//
//   ask ──▶ rows of genes ──evaluated──▶ tell ──▶ ask …
//
// Invariants
//   E1. Everything that decides what comes next is in `save()`: restored, an engine goes on bit by bit as it would have.
//   E2. All chance comes from the stream it was given.
//   E3. Between `ask` and `tell` nothing else is called.

import { Fault } from "../fault.ts";
import type { StateRecord } from "../state/codec.ts";

/** Less is better. What could not be evaluated has Number.MAX_VALUE. */
export interface Individual {
  readonly genes: Float64Array;
  readonly values: Float64Array;
  /** Only where the island has energy. */
  readonly energy?: number;
}

export type Selection = "best" | "random" | "tournament";
export type Replacement = "worst" | "random" | "if-better";

export interface Engine {
  readonly kind: string;
  /** So many candidates; the rows are the engine's own and hold until the next ask. */
  ask(): readonly Float64Array[];
  /** Values of the rows in their order, all objectives of one after the other. */
  tell(values: Float64Array): void;
  /** Copies for other islands. An engine with energy gives them away. */
  emigrants(count: number, selection: Selection): readonly Individual[];
  /** Copies of members that stay, where `emigrants` gives something away. */
  members?(count: number): readonly Individual[];
  immigrate(individuals: readonly Individual[], replacement: Replacement): void;
  /** How far apart the population is, 0 to about 1 of the start region. */
  spread(): number;
  /** Runs it has begun; 1 for an engine that never restarts. */
  readonly restarts: number;
  /** Figures of its own, by name: step size, energy, population. */
  figures(): Readonly<Record<string, number>>;
  save(): StateRecord;
}

export const NOT_EVALUATED: number = Number.MAX_VALUE;

/** Of one population: half a gigabyte. */
const NUMBERS_LIMIT = 2 ** 26;

/** As many members as are wanted, and no more than so many numbers in all: a state travels in one message. At least 20. */
export function membersFor(wanted: number, dimensions: number, numbers: number): number {
  return Math.min(wanted, Math.max(20, Math.floor(numbers / dimensions)));
}

/** Rows over one buffer, so that nothing is allocated for a candidate. */
export function rowsOf(count: number, dimensions: number): { buffer: Float64Array; rows: Float64Array[] } {
  if (count * dimensions > NUMBERS_LIMIT) {
    throw new Fault(
      "invalid",
      `${count} members of ${dimensions} genes are ${count * dimensions} numbers, the limit is ${NUMBERS_LIMIT}; take a smaller population`,
    );
  }
  const buffer = new Float64Array(count * dimensions);
  const rows = Array.from({ length: count }, (_, i) => buffer.subarray(i * dimensions, (i + 1) * dimensions));
  return { buffer, rows };
}

/** Members that are put in order by insertion; more are merged. */
const RUN = 16;
let merged = new Int32Array(0);

/** Indices into the first `order.length` values, the least first; equals by index. No value is NaN. Works in place, and calls no function. */
export function rank(order: Int32Array, values: Float64Array): void {
  const count = order.length;
  for (let i = 0; i < count; i++) order[i] = i;
  for (let from = 0; from < count; from += RUN) insert(order, values, from, Math.min(count, from + RUN));
  if (count <= RUN) return;
  if (merged.length < count) merged = new Int32Array(count);
  let of = order;
  let to: Int32Array = merged;
  for (let width = RUN; width < count; width *= 2) {
    for (let from = 0; from < count; from += 2 * width) {
      merge(of, to, values, from, Math.min(count, from + width), Math.min(count, from + 2 * width));
    }
    [of, to] = [to, of];
  }
  if (of !== order) order.set(of.subarray(0, count));
}

function insert(order: Int32Array, values: Float64Array, from: number, end: number): void {
  for (let i = from + 1; i < end; i++) {
    const index = order[i] as number;
    const value = values[index] as number;
    let place = i - 1;
    while (place >= from && (values[order[place] as number] as number) > value) {
      order[place + 1] = order[place] as number;
      place--;
    }
    order[place + 1] = index;
  }
}

/** What is in order from `from` and from `middle` on becomes one. */
function merge(of: Int32Array, to: Int32Array, values: Float64Array, from: number, middle: number, end: number): void {
  let [left, right] = [from, middle];
  for (let place = from; place < end; place++) {
    const isLeft =
      left < middle &&
      (right >= end || (values[of[left] as number] as number) <= (values[of[right] as number] as number));
    to[place] = of[isLeft ? left++ : right++] as number;
  }
}
