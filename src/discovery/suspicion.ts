// How long a suspicion lasts: long for a single accuser, shorter with every further one who found the node silent.
//
//   least   = max(suspicionLeastMs, 2.5 · log10(nodes) · probe interval)
//   most    = 6 · least
//   timeout = max(least, most − (most − least) · log(confirmations + 1) / log(wanted + 1))
//
// A. Dadgar, J. Phillips, J. Currey: "Lifeguard" (arXiv:1707.00788, 2017), section IV.B, with K = 3 confirmations, β = 6.
// The paper's α is 5; here rumours travel four times per probe interval, so half of it leaves the same room to refute.

import { ACCUSERS } from "./status.ts";

const ALPHA = 2.5;
const BETA = 6;

export interface SuspicionSettings {
  readonly suspicionLeastMs: number;
  readonly probeIntervalMs: number;
}

/** `nodes`: live ones, this one and the suspect included. `accusers`: who found it silent, at least 1. */
export function suspicionTimeoutMs(of: { nodes: number; accusers: number }, settings: SuspicionSettings): number {
  const { least, most } = suspicionBounds(of.nodes, settings);
  // Fewer can confirm in a small network: all but the suspect and the first accuser.
  const wanted = Math.min(ACCUSERS - 1, Math.max(0, of.nodes - 2));
  if (wanted === 0) return least;
  const confirmations = Math.min(wanted, Math.max(0, of.accusers - 1));
  return Math.max(least, most - ((most - least) * Math.log(confirmations + 1)) / Math.log(wanted + 1));
}

function suspicionBounds(nodes: number, settings: SuspicionSettings): { least: number; most: number } {
  const least = Math.max(settings.suspicionLeastMs, ALPHA * Math.log10(Math.max(1, nodes)) * settings.probeIntervalMs);
  return { least, most: BETA * least };
}
