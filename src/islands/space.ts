// Where candidates lie: what an engine has to know of a problem, and nothing of how it is evaluated.

import type { RowOperators } from "./own-genome.ts";

/** own: with operators of the problem's own; its genes are numbers that only those can read. */
export type Genome = "real" | "bits" | "permutation" | "own";

export interface Space {
  readonly genome: Genome;
  readonly dimensions: number;
  readonly objectives: number;
  /** No candidate outside is evaluated. Infinite where there is no bound. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Where searches begin; finite, inside the bounds. */
  readonly startLower: Float64Array;
  readonly startUpper: Float64Array;
  /** 1 for each gene that takes whole numbers only; undefined where none does. */
  readonly integer: Uint8Array | undefined;
  /** Of an own genome, where it can be varied: not where it is only talked of. */
  readonly operators?: RowOperators;
}

export function isBounded({ lower, upper }: Space): boolean {
  return lower.some(Number.isFinite) || upper.some(Number.isFinite);
}
