// How long to wait before trying again: longer each time, and not in step with others.

import type { Random } from "../base/random.ts";

export interface Backoff {
  /** The first wait. */
  readonly firstMs: number;
  /** No wait is longer, before its share of chance is taken off. */
  readonly mostMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 20, mostMs: 5_000 };

/** Doubling with each failure (from 1), of which a random half may be left out. */
export function backoffMs(backoff: Backoff, failures: number, random: Random): number {
  const full = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(30, failures - 1));
  return full * (0.5 + random.float() / 2);
}
