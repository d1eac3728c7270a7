// How candidates get their values: in batches, and so that no candidate can end the search.
//
// Invariants
//   V1. Every row has its values afterwards: what threw, came late, was no number or not the right count of numbers has
//       NOT_EVALUATED for all objectives, and is reported with the reason.
//   V2. A broken constraint counts as worse than any value, the more the further it is broken (Deb (2000), feasibility rules).

import { NOT_EVALUATED } from "./engines/engine.ts";
import { asError } from "./fault.ts";
import type { Answer } from "./problem.ts";
import type { Space } from "./space.ts";

export interface Quarantined {
  readonly genes: readonly number[];
  readonly reason: string;
}

export interface Evaluator {
  /**
   * Puts the values of `rows` into `values`, objectives of one row after the other. Answers a promise only where it must wait.
   * Never throws for a candidate; rejects with a Fault where it cannot evaluate at all.
   */
  evaluate(rows: readonly Float64Array[], values: Float64Array, watch: Watch): void | Promise<void>;
  close(): Promise<void>;
}

export interface Watch {
  quarantine(candidate: Quarantined): void;
  /** What evaluates was lost, and is there again: in words. */
  recovered(what: string): void;
  /** Told before operators of the problem's own genome are at work; they may not give the thread back. */
  breeds(): void;
  /** Told before each generation. */
  asked(): void;
  /**
   * Told before each candidate whose evaluation may take the thread, and while several are waited for whenever one has come: then
   * the first that has not. BATCH: all at once. `count`: it may take the time of so many; default 1.
   */
  began(index: number, count?: number): void;
  /** Why a candidate must not be evaluated: it took the thread and did not give it back. BATCH: they must not be evaluated at once. */
  readonly barred: (index: number) => string | undefined;
}

export const BATCH = -1;

interface Functions {
  evaluate?(x: Float64Array): Answer | Promise<Answer>;
  evaluateBatch?(rows: readonly Float64Array[]): readonly Answer[] | Promise<readonly Answer[]>;
}

/** Broken constraints lie between all values and NOT_EVALUATED. */
export const INFEASIBLE = 1e200;

export function functionEvaluator(functions: Functions, space: Space): Evaluator {
  return {
    evaluate: (rows, values, watch) => {
      if (functions.evaluateBatch !== undefined) return inBatch(functions, rows, values, space, watch);
      return oneByOne(functions, rows, values, space, watch);
    },
    close: async () => {},
  };
}

/** A hot path: a plain number from a plain function is stored without more ado. */
function oneByOne(
  functions: Functions,
  rows: readonly Float64Array[],
  values: Float64Array,
  space: Space,
  watch: Watch,
): undefined | Promise<void> {
  let waiting: Map<number, Promise<void>> | undefined;
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k] as Float64Array;
    watch.began(k);
    const why = watch.barred(k);
    if (why !== undefined) {
      settle(row, why, k, values, space, watch);
      continue;
    }
    try {
      const answer = functions.evaluate?.(row);
      if (typeof answer === "number" && space.objectives === 1 && answer < INFEASIBLE) {
        values[k] = answer > -INFEASIBLE ? answer : -INFEASIBLE;
      } else if (answer instanceof Promise) {
        waiting ??= new Map();
        const come = waiting;
        const settled = (late: unknown) => {
          settle(row, late, k, values, space, watch);
          come.delete(k);
          beganFirst(come, watch);
        };
        waiting.set(
          k,
          answer.then(
            (late) => settled(ownWord(late)),
            (thrown: unknown) => settled(asError(thrown)),
          ),
        );
      } else settle(row, ownWord(answer), k, values, space, watch);
    } catch (thrown) {
      settle(row, asError(thrown), k, values, space, watch);
    }
  }
  if (waiting === undefined) return undefined;
  beganFirst(waiting, watch);
  return Promise.all(waiting.values()).then(() => {});
}

/** What never comes is then the first that is waited for, however many came before it and how slowly. */
function beganFirst(waiting: ReadonlyMap<number, unknown>, watch: Watch): void {
  const [first] = waiting.keys();
  if (first !== undefined) watch.began(first);
}

async function inBatch(
  functions: Functions,
  rows: readonly Float64Array[],
  values: Float64Array,
  space: Space,
  watch: Watch,
): Promise<void> {
  // What took the thread is looked for alone.
  if (watch.barred(BATCH) !== undefined) {
    for (const [k, row] of rows.entries()) {
      watch.began(k);
      settle(row, watch.barred(k) ?? (await answersOf(functions, [row]))[0], k, values, space, watch);
    }
    return;
  }
  watch.began(BATCH, rows.length);
  const answers = await answersOf(functions, rows);
  for (const [k, row] of rows.entries()) settle(row, answers[k], k, values, space, watch);
}

/** An answer for each row, or for each why there is none. */
async function answersOf(functions: Functions, rows: readonly Float64Array[]): Promise<readonly unknown[]> {
  try {
    const answers = await functions.evaluateBatch?.(rows);
    if (answers?.length === rows.length) return answers.map(ownWord);
    return rows.map(() => `was one of ${rows.length} candidates with ${answers?.length ?? "no"} answers`);
  } catch (thrown) {
    return rows.map(() => asError(thrown));
  }
}

/** A text is why there is no value, from who evaluates for others; a function that gives one has given no number. */
function ownWord(answer: unknown): unknown {
  return typeof answer === "string" ? `gave string ${JSON.stringify(answer.slice(0, 80))}, not a number` : answer;
}

/** Stores what came for one row, whatever it is. */
export function settle(
  row: Float64Array,
  answer: unknown,
  index: number,
  values: Float64Array,
  { objectives }: Space,
  watch: Pick<Watch, "quarantine">,
): void {
  const at = index * objectives;
  const read = readAnswer(answer, objectives);
  if (typeof read === "string") {
    values.fill(NOT_EVALUATED, at, at + objectives);
    watch.quarantine({ genes: [...row], reason: read });
    return;
  }
  values.set(read, at);
}

/** The values, or why there are none. */
function readAnswer(answer: unknown, objectives: number): readonly number[] | string {
  if (answer instanceof Error) return `threw ${answer.name}: ${answer.message}`;
  if (typeof answer === "number") return numbersOf([answer], objectives, 0);
  if (Array.isArray(answer) || answer instanceof Float64Array) return numbersOf([...answer], objectives, 0);
  if (typeof answer === "object" && answer !== null && "values" in answer) {
    const { values } = answer;
    const violations = "violations" in answer && Array.isArray(answer.violations) ? answer.violations : [];
    if (!violations.every((each) => typeof each === "number" && !Number.isNaN(each))) return "a violation is no number";
    const broken = violations.reduce((sum, each) => sum + Math.max(0, each), 0);
    const list = Array.isArray(values) ? values : [values];
    return numbersOf(list, objectives, broken);
  }
  return typeof answer === "string" ? answer : `gave ${answer === undefined ? "nothing" : typeof answer}, not a number`;
}

function numbersOf(list: readonly unknown[], objectives: number, broken: number): readonly number[] | string {
  if (list.length !== objectives) return `gave ${list.length} values, not ${objectives}`;
  const numbers: number[] = [];
  for (const each of list) {
    if (typeof each !== "number") return `gave ${typeof each} ${JSON.stringify(each)}, not a number`;
    if (Number.isNaN(each)) return "gave NaN";
    if (each === Number.POSITIVE_INFINITY) return "gave Infinity";
    numbers.push(
      broken > 0 ? Math.min(INFEASIBLE * (1 + broken), 1e307) : Math.max(-INFEASIBLE, Math.min(each, INFEASIBLE)),
    );
  }
  return numbers;
}

/** For who evaluates without an island. */
export function noWatch(): Watch {
  return {
    quarantine: () => {},
    recovered: () => {},
    breeds: () => {},
    asked: () => {},
    began: () => {},
    barred: () => undefined,
  };
}
