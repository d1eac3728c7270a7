// One row of the tables: a kind of work, and how each system did it.

import type { Cell, Outcome } from "./rounds.ts";
import { ratioOf, type Spread } from "./statistics.ts";
import { type FigureName, figuresOf } from "./summary.ts";

export interface Row {
  /** Of the table it stands in. */
  readonly table: string;
  readonly cell: Cell;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Systems that were not asked, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** One figure of one system over another's, round by round. */
export function ratioIn(row: Row, figure: FigureName, over: string, under: string): Spread {
  return ratioOf(figuresOf(row.outcomes.get(over))[figure], figuresOf(row.outcomes.get(under))[figure]);
}
