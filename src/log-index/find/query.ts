// What is asked: a span of time, and perhaps addresses.

import type { AddressSet } from "../records/address-set.ts";

export interface Query {
  /** Seconds since 1970. */
  readonly from: number;
  /** Not included. */
  readonly to: number;
  /** Undefined: all. */
  readonly addresses?: AddressSet | undefined;
}

/** What an answer does not have, and why. Asking again for this span fetches it alone. */
export interface Gap {
  /** The chunk, folder or server by its name. */
  readonly where: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** A question's cost before it is asked. Milliseconds are a guess from what this computer did before. */
export interface Estimate {
  /** No fewer than will be found, as far as indexes tell. */
  readonly records: number;
  /** To be read. */
  readonly bytes: number;
  readonly chunks: number;
  /** Servers asked, this one included. */
  readonly nodes: number;
  readonly ms: number;
  readonly memoryBytes: number;
  readonly gaps: readonly Gap[];
}

export const NO_COST: Estimate = { records: 0, bytes: 0, chunks: 0, nodes: 0, ms: 0, memoryBytes: 0, gaps: [] };

/** Both together, the second after or beside the first. */
export function costOfBoth(a: Estimate, b: Estimate): Estimate {
  return {
    records: a.records + b.records,
    bytes: a.bytes + b.bytes,
    chunks: a.chunks + b.chunks,
    nodes: a.nodes + b.nodes,
    ms: a.ms + b.ms,
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    gaps: [...a.gaps, ...b.gaps],
  };
}
