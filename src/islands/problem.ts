// A problem: where candidates lie, and what they are worth. Checked once, when it is made.

import { Fault } from "unum";
import { type Evaluator, functionEvaluator } from "./evaluator.ts";
import type { Genome, Space } from "./space.ts";

/** One value; or one for each objective; or those with how far each constraint is broken (0 or less: kept). Less is better. */
export type Answer =
  | number
  | readonly number[]
  | { readonly values: number | readonly number[]; readonly violations: readonly number[] };

export interface ProblemSettings {
  readonly dimensions: number;
  /** real; bits: 0 or 1; permutation: 0 … dimensions - 1 in any order. Default real. */
  readonly genome?: Genome;
  /** One number for all genes, or one each. Default none: then `start` says where to begin. */
  readonly lower?: number | readonly number[];
  readonly upper?: number | readonly number[];
  /** Where to begin. Default within the bounds. */
  readonly start?: { readonly lower: number | readonly number[]; readonly upper: number | readonly number[] };
  /** Genes that take whole numbers only: all, or those with these indices. */
  readonly integer?: boolean | readonly number[];
  /** Default 1. */
  readonly objectives?: number;
  /** Whether the same candidate may have different values: no value is believed for longer than a generation. */
  readonly noisy?: boolean;
  /** A value at which the search is over. */
  readonly target?: number;
  readonly name?: string;
  /** What a candidate is worth. The array belongs to the engine: read it, keep nothing of it. */
  evaluate?(x: Float64Array): Answer | Promise<Answer>;
  /** The same for many at once, an answer each, in their order; used where it is given. */
  evaluateBatch?(rows: readonly Float64Array[]): readonly Answer[] | Promise<readonly Answer[]>;
}

export interface Problem {
  readonly space: Space;
  readonly name: string;
  readonly target: number | undefined;
  readonly noisy: boolean;
  readonly evaluator: Evaluator;
}

export const DIMENSIONS_LIMIT = 100_000;

/** Throws the Fault `invalid` where the settings make no sense, naming the one that does not. */
export function problem(settings: ProblemSettings): Problem {
  const { name = "problem", target, noisy = false } = settings;
  if (settings.evaluate === undefined && settings.evaluateBatch === undefined) {
    throw new Fault("invalid", "problem() has no evaluate: give a function from a candidate to a number");
  }
  const space = spaceOf(settings);
  return { space, name, target, noisy, evaluator: functionEvaluator(settings, space) };
}

/** The same with another evaluator, as an executable or a server. */
export function problemWith(settings: Omit<ProblemSettings, "evaluate">, evaluator: Evaluator): Problem {
  const { name = "problem", target, noisy = false } = settings;
  return { space: spaceOf(settings), name, target, noisy, evaluator };
}

function spaceOf(settings: Omit<ProblemSettings, "evaluate">): Space {
  const { dimensions, genome = "real", objectives = 1 } = settings;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS_LIMIT) {
    throw new Fault("invalid", `dimensions is ${dimensions}; it is a whole number from 1 to ${DIMENSIONS_LIMIT}`);
  }
  if (!Number.isInteger(objectives) || objectives < 1 || objectives > 20) {
    throw new Fault("invalid", `objectives is ${objectives}; it is a whole number from 1 to 20`);
  }
  if (!["real", "bits", "permutation"].includes(genome)) {
    throw new Fault("invalid", `genome '${genome}' is not known; there are real, bits and permutation`);
  }
  if (genome !== "real") return discrete(genome, dimensions, objectives);
  const lower = each("lower", settings.lower ?? Number.NEGATIVE_INFINITY, dimensions);
  const upper = each("upper", settings.upper ?? Number.POSITIVE_INFINITY, dimensions);
  const startLower = each("start.lower", settings.start?.lower ?? lower, dimensions);
  const startUpper = each("start.upper", settings.start?.upper ?? upper, dimensions);
  for (let i = 0; i < dimensions; i++) checkGene(i, { lower, upper, startLower, startUpper });
  return { genome, dimensions, objectives, lower, upper, startLower, startUpper, integer: integers(settings) };
}

function discrete(genome: Genome, dimensions: number, objectives: number): Space {
  const lower = new Float64Array(dimensions);
  const upper = new Float64Array(dimensions).fill(genome === "bits" ? 1 : dimensions - 1);
  return { genome, dimensions, objectives, lower, upper, startLower: lower, startUpper: upper, integer: undefined };
}

function each(name: string, value: number | ArrayLike<number>, dimensions: number): Float64Array {
  if (typeof value === "number") return new Float64Array(dimensions).fill(value);
  if (value.length === dimensions) return Float64Array.from(value);
  throw new Fault("invalid", `${name} has ${value.length} numbers for ${dimensions} dimensions; give one, or one each`);
}

function checkGene(i: number, of: Pick<Space, "lower" | "upper" | "startLower" | "startUpper">): void {
  const at = (values: Float64Array) => values[i] as number;
  const [low, high, from, to] = [at(of.lower), at(of.upper), at(of.startLower), at(of.startUpper)];
  if (!(low < high)) throw new Fault("invalid", `gene ${i}: lower ${low} is not below upper ${high}`);
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    throw new Fault(
      "invalid",
      `gene ${i} has no finite bounds (${low} to ${high}); say where to begin: start: { lower: -1, upper: 1 }`,
    );
  }
  if (!(from <= to && from >= low && to <= high)) {
    throw new Fault("invalid", `gene ${i}: start from ${from} to ${to} is not within its bounds, ${low} to ${high}`);
  }
}

function integers({ integer, dimensions }: Omit<ProblemSettings, "evaluate">): Uint8Array | undefined {
  if (integer === undefined || integer === false) return undefined;
  if (integer === true) return new Uint8Array(dimensions).fill(1);
  const marks = new Uint8Array(dimensions);
  for (const i of integer) {
    if (!Number.isInteger(i) || i < 0 || i >= dimensions) {
      throw new Fault("invalid", `integer names gene ${i}; genes are 0 to ${dimensions - 1}`);
    }
    marks[i] = 1;
  }
  return marks;
}

/** Whether a module's default export is a problem. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "space" in value && "evaluator" in value;
}
