// How long things are measured: in full for figures to quote, quickly for a look whether it still works.

import type { Plan } from "../harness/rounds.ts";

export interface Depth {
  /** For the rows that targets speak of. */
  readonly main: Plan;
  /** For the many cells of the table. */
  readonly table: Plan;
}

export const FULL_ROUNDS = 9;
export const QUICK_ROUNDS = 3;

export function depthOf({ quick, rounds }: { quick: boolean; rounds: number }): Depth {
  if (quick) {
    const plan = { rounds, roundMs: 100, warmUpMs: 200 };
    return { main: plan, table: plan };
  }
  return {
    main: { rounds, roundMs: 800, warmUpMs: 3_000 },
    table: { rounds, roundMs: 300, warmUpMs: 800 },
  };
}
