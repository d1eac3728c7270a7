// One run of an evolution strategy, from one start to where it stops being of use.

import type { StateRecord } from "../state/codec.ts";

export interface Descent {
  readonly kind: "full" | "separable" | "limited";
  /** Candidates of a generation. */
  readonly lambda: number;
  readonly mean: Float64Array;
  readonly sigma: number;
  readonly generation: number;
  /** Fills as many rows as there are candidates. */
  ask(rows: readonly Float64Array[]): void;
  /** Values of the rows; less is better. */
  tell(values: Float64Array): void;
  /** Why another generation would be of no use; undefined while it may be. */
  stopped(): string | undefined;
  /** Standard deviation of one gene now. */
  deviation(gene: number): number;
  save(): StateRecord;
}

export interface DescentStart {
  readonly lambda: number;
  /** Where the first mean lies. */
  readonly mean: Float64Array;
  /** Step size in units of `scales`. */
  readonly sigma: number;
  /** What one unit is for each gene. */
  readonly scales: Float64Array;
  /** 1 for each whole-numbered gene: its deviation stays large enough to move. */
  readonly integer?: Uint8Array | undefined;
}

/** Weights of ranks, and what follows from them. Hansen (2016): The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772, table 1. */
export interface Weights {
  /** Of all ranks, the best first; the worse half negative. Positive ones sum to 1. */
  readonly all: Float64Array;
  readonly parents: number;
  /** Variance effective selection mass of the positive ones, and of the negative ones. */
  readonly mass: number;
  readonly negativeMass: number;
}

export function weightsOf(lambda: number): Weights {
  const raw = Float64Array.from({ length: lambda }, (_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1));
  const parents = Math.floor(lambda / 2);
  const massOf = (some: Float64Array) =>
    some.reduce((sum, each) => sum + each, 0) ** 2 / some.reduce((sum, each) => sum + each * each, 0);
  const positive = raw.subarray(0, parents).reduce((sum, each) => sum + each, 0);
  const negative = raw.subarray(parents).reduce((sum, each) => sum + Math.abs(each), 0);
  return {
    all: raw.map((each, i) => (i < parents ? each / positive : negative === 0 ? 0 : each / negative)),
    parents,
    mass: massOf(raw.subarray(0, parents)),
    negativeMass: lambda - parents > 0 && negative > 0 ? massOf(raw.subarray(parents)) : 0,
  };
}

/** Mean length of a standard normal vector. */
export function meanLength(n: number): number {
  return Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}
