// Where candidates lie: what an engine has to know of a problem, and nothing of how it is evaluated.

export type Genome = "real" | "bits" | "permutation";

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
}

export function isBounded({ lower, upper }: Space): boolean {
  return lower.some(Number.isFinite) || upper.some(Number.isFinite);
}
