// What a row finds out: figures, each from several rounds and some with a goal, or why it is no measurement.

import { type Spread, spreadOf } from "../harness/statistics.ts";
import { type Verdict, verdictOf } from "../harness/target.ts";

export interface Figure {
  readonly says: string;
  readonly unit: string;
  /** One value a round, in their order. */
  readonly rounds: readonly number[];
  readonly goal?: { readonly bound: "at least" | "at most"; readonly value: number };
}

export interface RowResult {
  readonly row: string;
  /** Load of the machine when the row began and when it had ended. */
  readonly load: readonly [before: number, after: number];
  readonly outcome:
    | { readonly kind: "measured"; readonly figures: readonly Figure[] }
    | { readonly kind: "refused"; readonly reason: string };
}

/** How often, and how long each time. */
export interface Depth {
  readonly rounds: number;
  readonly quick: boolean;
}

export type Row = (depth: Depth, progress: (what: string) => void) => Promise<readonly Figure[]>;

export function spreadIn({ rounds }: Figure): Spread {
  return spreadOf(rounds);
}

/** Undefined where nothing is asked of the figure. */
export function verdictIn(figure: Figure): Verdict | undefined {
  const { says, unit, goal } = figure;
  if (goal === undefined) return undefined;
  const { bound, value } = goal;
  return verdictOf({ says, unit, measured: spreadIn(figure), bound, target: value, goal: undefined });
}
