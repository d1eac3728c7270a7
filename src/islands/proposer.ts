// A hook for proposers that are expensive: a language model as mutation operator, a surrogate, a person.
//
//   parents, best first ──▶ propose, once for the same parents ──▶ candidates, checked ──▶ evaluated, and taken as immigrants are
//
// Invariants
//   R1. What an island is given is decided by its parents and the answer to them, and nothing else: an answer that was written down replays.
//   R2. No candidate that the problem could not have is evaluated; each that was proposed and is none is told.

import type { Individual } from "./engines/engine.ts";
import { asError } from "./fault.ts";
import { candidateIn, type OwnGenome, writeCandidate } from "./own-genome.ts";
import type { Space } from "./space.ts";

/** What a proposer is asked. */
export interface ProposerCall<T = Float64Array> {
  /** The best first. */
  readonly parents: readonly { readonly candidate: T; readonly values: readonly number[] }[];
  /** Follows from the parents: the same parents come with the same. */
  readonly seed: number;
  /** Aborts when the answer is no longer waited for. */
  readonly signal: AbortSignal;
}

/** `cost`: what is counted against `proposer.budget`, as tokens or cents. Default 1. */
export type Proposed<T = ArrayLike<number>> =
  | readonly T[]
  | { readonly candidates: readonly T[]; readonly cost?: number };

export type Propose = (call: {
  readonly parents: readonly Individual[];
  readonly seed: number;
  readonly signal: AbortSignal;
}) => Promise<Proposal>;

export interface Proposal {
  readonly rows: readonly Float64Array[];
  readonly cost: number;
  /** Why some of what was proposed, or all of it, is no candidate. */
  readonly refused: readonly string[];
}

/** More are not evaluated, of one answer. */
export const PROPOSED_LIMIT = 1_000;

/** Of a problem whose candidates are its rows. */
export function rowProposer(propose: (call: ProposerCall) => Proposed | Promise<Proposed>, space: Space): Propose {
  return async ({ parents, ...call }) => {
    const given = parents.map(({ genes, values }) => ({ candidate: genes.slice(), values: [...values] }));
    return checked(await propose({ ...call, parents: given }), (candidate) => checkedRow(candidate, space));
  };
}

/** Of a problem with a genome of its own. */
export function ownProposer<T>(
  propose: (call: ProposerCall<T>) => Proposed<T> | Promise<Proposed<T>>,
  genome: OwnGenome<T>,
): Propose {
  return async ({ parents, ...call }) => {
    const given = parents.map(({ genes, values }) => ({ candidate: candidateIn(genome, genes), values: [...values] }));
    return checked(await propose({ ...call, parents: given }), (candidate) => {
      const row = new Float64Array(genome.size + 1);
      writeCandidate(genome, candidate, row);
      return row;
    });
  };
}

/** R2; `read` throws for what is no candidate. */
function checked<T>(answer: Proposed<T>, read: (candidate: T) => Float64Array): Proposal {
  const isPlain = (given: Proposed<T>): given is readonly T[] => Array.isArray(given);
  const { candidates, cost = 1 } = isPlain(answer) ? { candidates: answer } : answer;
  const refused: string[] = [];
  const rows: Float64Array[] = [];
  if (!Array.isArray(candidates)) return { rows, cost: 1, refused: ["the answer has no list of candidates"] };
  for (const [i, candidate] of candidates.slice(0, PROPOSED_LIMIT).entries()) {
    try {
      rows.push(read(candidate));
    } catch (thrown) {
      refused.push(`candidate ${i} is none: ${asError(thrown).message}`);
    }
  }
  if (candidates.length > PROPOSED_LIMIT) {
    refused.push(`${candidates.length} candidates were proposed, and ${PROPOSED_LIMIT} are taken`);
  }
  const isCost = typeof cost === "number" && Number.isFinite(cost) && cost >= 0;
  if (!isCost) refused.push(`its cost is ${JSON.stringify(cost)}, and counts as 1`);
  return { rows, cost: isCost ? cost : 1, refused };
}

/** A row that the problem may have; throws where it is none. What lies outside the bounds is put on them. */
export function checkedRow(candidate: ArrayLike<number>, space: Space): Float64Array {
  const { dimensions, genome, lower, upper } = space;
  if (typeof candidate !== "object" || candidate === null || candidate.length !== dimensions) {
    throw new Error(`it has ${candidate?.length ?? "no"} genes, not ${dimensions}`);
  }
  const row = Float64Array.from(candidate);
  for (const [i, gene] of row.entries()) {
    if (!Number.isFinite(gene)) throw new Error(`gene ${i} is ${gene}`);
    if (genome === "real" || genome === "own") {
      row[i] = Math.min(upper[i] as number, Math.max(lower[i] as number, gene));
    } else if (!Number.isInteger(gene) || gene < 0 || gene > (upper[i] as number)) {
      throw new Error(
        `gene ${i} is ${gene}, and ${genome === "bits" ? "a bit is 0 or 1" : `places are 0 to ${dimensions - 1}`}`,
      );
    }
  }
  if (genome === "permutation" && new Set(row).size !== dimensions) throw new Error("a place is in it twice");
  return row;
}
