// A problem: where candidates lie, and what they are worth. Checked once, when it is made.

import { Fault } from "unum";
import { cachedEvaluator } from "./cached-evaluator.ts";
import { type Evaluator, functionEvaluator } from "./evaluator.ts";
import { refuseUnknown } from "./known-names.ts";
import type { RowOperators } from "./own-genome.ts";
import { type Propose, type Proposed, type ProposerCall, rowProposer } from "./proposer.ts";
import { sampledEvaluator } from "./sampled-evaluator.ts";
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
  /** Of an own genome; `problemOf` makes them. */
  readonly operators?: RowOperators;
  /** One number for all genes, or one each. Default none: then `start` says where to begin. */
  readonly lower?: number | readonly number[];
  readonly upper?: number | readonly number[];
  /** Where to begin. Default within the bounds. */
  readonly start?: { readonly lower: number | readonly number[]; readonly upper: number | readonly number[] };
  /** Genes that take whole numbers only: all, or those with these indices. */
  readonly integer?: boolean | readonly number[];
  /** Default 1. */
  readonly objectives?: number;
  /** Whether the same candidate may have different values: the portfolio is then of engines that believe none for longer than a generation. */
  readonly noisy?: boolean;
  /** How often each candidate is evaluated, for the mean of it; together they count as one evaluation. Default 1. */
  readonly samples?: number;
  /** So many candidates' values are remembered by each process that evaluates. Default none. */
  readonly cache?: number;
  /** A value at which the search is over. */
  readonly target?: number;
  readonly name?: string;
  /** Asked now and then for candidates that variation would not come to, as a language model; settings `proposer.*`. */
  propose?(call: ProposerCall): Proposed | Promise<Proposed>;
  /** What a candidate is worth. The array belongs to the engine: read it, keep nothing of it. */
  evaluate?(x: Float64Array): Answer | Promise<Answer>;
  /** The same for many at once, an answer each, in their order; used where it is given. */
  evaluateBatch?(rows: readonly Float64Array[]): readonly Answer[] | Promise<readonly Answer[]>;
}

/** As `ProblemSettings`, of a problem with a genome of its own. */
export interface OwnSettings<T>
  extends Pick<ProblemSettings, "objectives" | "noisy" | "samples" | "cache" | "target" | "name"> {
  evaluate?(candidate: T): Answer | Promise<Answer>;
  evaluateBatch?(candidates: readonly T[]): readonly Answer[] | Promise<readonly Answer[]>;
  propose?(call: ProposerCall<T>): Proposed<T> | Promise<Proposed<T>>;
}

export interface Problem {
  readonly space: Space;
  readonly name: string;
  readonly target: number | undefined;
  readonly noisy: boolean;
  readonly evaluator: Evaluator;
  readonly propose?: Propose | undefined;
  /** What a row is, for people; only of own genomes. */
  readonly show?: ((row: Float64Array) => string) | undefined;
}

export const DIMENSIONS_LIMIT = 100_000;

const NAMES: Readonly<Record<keyof ProblemSettings, true>> = {
  ...{ dimensions: true, genome: true, operators: true, lower: true, upper: true, start: true, integer: true },
  ...{ objectives: true, noisy: true, samples: true, cache: true, target: true, name: true },
  ...{ propose: true, evaluate: true, evaluateBatch: true },
};

/** Throws the Fault `invalid` where the settings make no sense, naming the one that does not. */
export function problem(settings: ProblemSettings): Problem {
  refuseUnknown("problem()", settings, Object.keys(NAMES));
  const { name = "problem", target, noisy = false } = settings;
  if (settings.evaluate === undefined && settings.evaluateBatch === undefined) {
    throw new Fault("invalid", "problem() has no evaluate: give a function from a candidate to a number");
  }
  const space = spaceOf(settings);
  const evaluator = dressed(functionEvaluator(settings, space), space, settings);
  const propose = settings.propose === undefined ? undefined : rowProposer(settings.propose.bind(settings), space);
  return { space, name, target, noisy, evaluator, propose };
}

/** The same with another evaluator, as an executable or a server. */
export function problemWith(settings: Omit<ProblemSettings, "evaluate">, evaluator: Evaluator): Problem {
  const { name = "problem", target, noisy = false } = settings;
  const space = spaceOf(settings);
  return { space, name, target, noisy, evaluator: dressed(evaluator, space, settings) };
}

/** Sampled first: what is remembered is a mean. */
function dressed(
  plain: Evaluator,
  space: Space,
  { noisy, cache, samples = 1 }: Pick<ProblemSettings, "noisy" | "cache" | "samples">,
): Evaluator {
  const evaluator = sampledEvaluator(plain, space, samples);
  if (cache === undefined) return evaluator;
  if (noisy)
    throw new Fault("invalid", "a problem that is noisy has no cache: the same candidate may have another value");
  return cachedEvaluator(evaluator, space, cache);
}

function spaceOf(settings: Omit<ProblemSettings, "evaluate">): Space {
  const { dimensions, genome = "real", objectives = 1 } = settings;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS_LIMIT) {
    throw new Fault("invalid", `dimensions is ${dimensions}; it is a whole number from 1 to ${DIMENSIONS_LIMIT}`);
  }
  if (!Number.isInteger(objectives) || objectives < 1 || objectives > 20) {
    throw new Fault("invalid", `objectives is ${objectives}; it is a whole number from 1 to 20`);
  }
  if (!["real", "bits", "permutation", "own"].includes(genome)) {
    throw new Fault(
      "invalid",
      `genome '${genome}' is not known; there are real, bits and permutation, and problemOf for your own`,
    );
  }
  if (genome === "own") return ownSpace(settings, objectives);
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

/** Bounds say nothing here: the operators know what a row may hold. */
function ownSpace(
  { dimensions, operators }: Pick<ProblemSettings, "dimensions" | "operators">,
  objectives: number,
): Space {
  if (operators === undefined) {
    throw new Fault(
      "invalid",
      "a genome of your own needs operators; make the problem with problemOf(genome, { evaluate })",
    );
  }
  const zero = new Float64Array(dimensions);
  const lower = zero.map(() => Number.NEGATIVE_INFINITY);
  const upper = zero.map(() => Number.POSITIVE_INFINITY);
  return {
    ...{ genome: "own", dimensions, objectives, lower, upper, startLower: zero, startUpper: zero },
    ...{ integer: undefined, operators },
  };
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
