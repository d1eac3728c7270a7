// Anything that answers questions about records: a chunk, a folder of indexes, a server, a machine's nodes.

import type { Part } from "./batch.ts";
import type { Estimate, Query } from "./query.ts";
import type { Tally, TallyWanted } from "./tally.ts";

export interface FindOptions {
  readonly signal?: AbortSignal | undefined;
  /** Until when an answer is of use; what is not there by then becomes a gap. Milliseconds from now. */
  readonly deadlineMs?: number | undefined;
  /** Only times, addresses, statuses and sizes are wanted, so the text of lines need not be looked at. */
  readonly withoutLines?: boolean;
  /** Servers that the question came through, this one included. */
  readonly via?: readonly string[];
  /** The same on all ways of one question: who is reached by two of them answers one. */
  readonly question?: string;
}

export interface IndexFacts {
  readonly records: number;
  /** Seconds since 1970 of the first and the last record; the first is later than the last where there is none. */
  readonly from: number;
  readonly to: number;
  /** On the disk. */
  readonly bytes: number;
  readonly chunks: number;
  /** Servers below it that lead back to one that was asked before. */
  readonly loops?: readonly string[];
}

export interface Index {
  readonly name: string;
  /** The indexes below it that the question concerns; itself where there are none below. */
  map(query: Query): readonly Index[];
  /** One answer of those of several indexes. Associative: which are put together first makes no difference. */
  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part>;
  /**
   * Records in order of time; among those of one second, in the order in which they were read. Never fails for what is
   * missing: that comes as a gap, at the latest as the last part.
   */
  find(query: Query, options?: FindOptions): AsyncIterable<Part>;
  /** Counts, sketches and the like over the records, without their lines. */
  tally(query: Query, wanted: TallyWanted, options?: FindOptions): Promise<Tally>;
  estimate(query: Query, options?: FindOptions): Promise<Estimate>;
  facts(options?: FindOptions): Promise<IndexFacts>;
  /** Whether all that it stands on is there and whole; what is not, by name. */
  valid(): Promise<readonly string[]>;
  /** Whether questions are answered from what is in memory. */
  readonly awake: boolean;
  wakeUp(): Promise<void>;
  /** Gives back memory and files. Questions are answered as before, only slower. */
  sleep(): void;
}

export const NO_FACTS: IndexFacts = { records: 0, from: Number.POSITIVE_INFINITY, to: 0, bytes: 0, chunks: 0 };

export function factsOfBoth(a: IndexFacts, b: IndexFacts): IndexFacts {
  const loops = [...(a.loops ?? []), ...(b.loops ?? [])];
  return {
    ...(loops.length === 0 ? {} : { loops }),
    records: a.records + b.records,
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    bytes: a.bytes + b.bytes,
    chunks: a.chunks + b.chunks,
  };
}
