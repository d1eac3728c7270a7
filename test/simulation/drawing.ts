// Drawing a plan from a seed.

import type { Random } from "../../src/base/random.ts";

export function among<T>(random: Random, all: readonly T[]): T {
  // The index is below its length.
  return all[random.below(all.length)] as T;
}

/** `least` and up to `most - 1` more. */
export function several<T>(random: Random, [least, most]: readonly [number, number], draw: () => T): readonly T[] {
  return Array.from({ length: least + random.below(most) }, draw);
}

export function byTime<T extends { readonly at: number }>(all: readonly T[]): readonly T[] {
  return [...all].sort((a, b) => a.at - b.at);
}
