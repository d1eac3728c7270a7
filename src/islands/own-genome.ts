// Genomes of a problem's own: texts, trees, programs; whatever can be made, changed and written as numbers.
//
//   candidate ──encode──▶ row: how many numbers, then they, then zeros ──▶ engines, migration, checkpoints ──decode──▶ candidate

import { asError, Fault } from "./fault.ts";
import { type OwnSettings, type Problem, problem } from "./problem.ts";
import { ownProposer } from "./proposer.ts";
import type { RandomStream } from "./random-stream.ts";

/**
 * How candidates of one kind come to be. All chance comes from `random`: the same stream makes the same. None of these may change what
 * it is given. What one throws ends the search, with the genome's name and the operator's.
 */
export interface OwnGenome<T> {
  readonly name: string;
  /** Numbers that the largest one takes. */
  readonly size: number;
  create(random: RandomStream): T;
  mutate(candidate: T, random: RandomStream): T;
  /** A child of two. Left out: a copy of the first. */
  cross?(first: T, second: T, random: RandomStream): T;
  encode(candidate: T): ArrayLike<number>;
  /** Of what `encode` gave. */
  decode(numbers: Float64Array): T;
  /** For people. Default: a text as it is, else JSON. */
  show?(candidate: T): string;
}

/** What engines ask for: rows in, rows out. */
export interface RowOperators {
  readonly name: string;
  create(row: Float64Array, random: RandomStream): void;
  mutate(row: Float64Array, random: RandomStream): void;
  cross(first: Float64Array, second: Float64Array, child: Float64Array, random: RandomStream): void;
}

const PART = 4_096;

/** Texts of up to `limit` UTF-16 code units. */
export function textGenome(
  of: Pick<OwnGenome<string>, "name" | "create" | "mutate" | "cross" | "show"> & { readonly limit: number },
): OwnGenome<string> {
  return {
    ...of,
    size: of.limit,
    encode: (text) => {
      const codes = new Float64Array(text.length);
      for (let i = 0; i < text.length; i++) codes[i] = text.charCodeAt(i);
      return codes;
    },
    decode: (codes) => {
      let text = "";
      // In parts: a call takes only so many arguments.
      for (let at = 0; at < codes.length; at += PART) text += String.fromCharCode(...codes.subarray(at, at + PART));
      return text;
    },
  };
}

/** A problem whose candidates are of that genome; `evaluate` is given them, and not rows. */
export function problemOf<T>(genome: OwnGenome<T>, settings: OwnSettings<T>): Problem {
  const { evaluate, evaluateBatch, propose, ...rest } = settings;
  const read = (row: Float64Array) => candidateIn(genome, row);
  const made = problem({
    ...rest,
    dimensions: genome.size + 1,
    genome: "own",
    operators: operatorsOf(genome),
    ...(evaluate === undefined ? undefined : { evaluate: (row: Float64Array) => evaluate(read(row)) }),
    ...(evaluateBatch === undefined
      ? undefined
      : { evaluateBatch: (rows: readonly Float64Array[]) => evaluateBatch(rows.map(read)) }),
  });
  const show = (row: Float64Array) => {
    const candidate = read(row);
    return genome.show?.(candidate) ?? (typeof candidate === "string" ? candidate : JSON.stringify(candidate));
  };
  return { ...made, show, propose: propose === undefined ? undefined : ownProposer(propose.bind(settings), genome) };
}

/** The candidate that a row holds, as `best.genes` of what was found. */
export function candidateIn<T>(genome: OwnGenome<T>, row: ArrayLike<number>): T {
  const count = Math.min(genome.size, Math.max(0, Math.floor(row[0] ?? 0)));
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = row[i + 1] ?? 0;
  return genome.decode(numbers);
}

/** Throws the Fault `invalid` for a candidate that has no room, or is written as what is no number. */
export function writeCandidate<T>(genome: OwnGenome<T>, candidate: T, row: Float64Array): void {
  const numbers = genome.encode(candidate);
  if (numbers.length > genome.size) {
    throw new Fault(
      "invalid",
      `a candidate of genome '${genome.name}' takes ${numbers.length} numbers, and size is ${genome.size}; make it shorter, or size larger`,
    );
  }
  row.fill(0);
  row[0] = numbers.length;
  row.set(numbers, 1);
  if (row.every(Number.isFinite)) return;
  throw new Fault(
    "invalid",
    `a candidate of genome '${genome.name}' is written with something that is no finite number`,
  );
}

function operatorsOf<T>(genome: OwnGenome<T>): RowOperators {
  const read = (row: Float64Array) => candidateIn(genome, row);
  const made = (operator: string, row: Float64Array, make: () => T) => {
    let candidate: T;
    try {
      candidate = make();
    } catch (thrown) {
      const error = asError(thrown);
      throw new Fault("invalid", `${operator} of genome '${genome.name}' threw ${error.name}: ${error.message}`, {
        cause: error,
      });
    }
    writeCandidate(genome, candidate, row);
  };
  return {
    name: genome.name,
    create: (row, random) => made("create", row, () => genome.create(random)),
    mutate: (row, random) => made("mutate", row, () => genome.mutate(read(row), random)),
    cross: (first, second, child, random) =>
      made("cross", child, () => genome.cross?.(read(first), read(second), random) ?? read(first)),
  };
}
