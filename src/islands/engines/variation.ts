// New genes from old ones, for each kind of genome.
//
// Own genomes bring their operators. Real: simulated binary crossover and polynomial mutation, Deb, Agrawal (1995), Complex Systems 9; Deb, Goyal (1996).
// Bits: two-point crossover, each bit flipped with probability 1/n. Permutations: order crossover, Davis (1985), and inversion
// of a stretch, Holland (1975).

import { Fault } from "../fault.ts";
import type { RowOperators } from "../own-genome.ts";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";

export interface Variation {
  /** How likely two parents are crossed at all. Default 0.9. */
  readonly crossover?: number;
  /** How likely one gene is changed. Default 1/n. */
  readonly mutation?: number;
  /** Distribution indices of crossover and mutation: larger stays nearer. Default 15 and 20. */
  readonly nearCrossover?: number;
  readonly nearMutation?: number;
}

/** A random member. */
export function scatter(space: Space, row: Float64Array, random: RandomStream): void {
  const { genome, dimensions, startLower, startUpper } = space;
  if (genome === "own") return own(space).create(row, random);
  for (let i = 0; i < dimensions; i++) {
    if (genome === "real") row[i] = random.between(startLower[i] as number, startUpper[i] as number);
    else if (genome === "bits") row[i] = random.u32() & 1;
    else {
      const place = random.below(i + 1);
      row[i] = row[place] as number;
      row[place] = i;
    }
  }
}

/** Two children of two parents, mutated. Rows are all different. */
export function breed(
  space: Space,
  parents: readonly [Float64Array, Float64Array],
  children: readonly [Float64Array, Float64Array],
  random: RandomStream,
  variation: Variation,
): void {
  const [a, b] = children;
  a.set(parents[0]);
  b.set(parents[1]);
  if (random.float() < (variation.crossover ?? 0.9)) {
    if (space.genome === "own") {
      own(space).cross(parents[0], parents[1], a, random);
      own(space).cross(parents[1], parents[0], b, random);
    } else if (space.genome === "real") crossReal(space, a, b, random, variation.nearCrossover ?? 15);
    else if (space.genome === "bits") crossBits(a, b, random);
    else if (space.genome === "permutation") crossOrder(parents, children, random);
  }
  mutate(space, a, random, variation);
  mutate(space, b, random, variation);
}

export function mutate(space: Space, row: Float64Array, random: RandomStream, variation: Variation): void {
  // Its operator says itself how much it changes.
  if (space.genome === "own") return own(space).mutate(row, random);
  const n = space.dimensions;
  const rate = variation.mutation ?? 1 / n;
  if (space.genome === "permutation") {
    // The rate is of genes; a stretch has n / 3 of them on average.
    if (random.float() < Math.min(1, (rate * n) / 2)) invert(row, random);
    return;
  }
  for (let i = 0; i < n; i++) {
    if (random.float() >= rate) continue;
    if (space.genome === "bits") row[i] = 1 - (row[i] as number);
    else row[i] = nudged(space, i, row[i] as number, random, variation.nearMutation ?? 20);
  }
}

function own({ operators }: Space): RowOperators {
  if (operators !== undefined) return operators;
  throw new Fault("internal", "a genome of its own was asked for without its operators");
}

function crossReal(space: Space, a: Float64Array, b: Float64Array, random: RandomStream, near: number): void {
  for (let i = 0; i < space.dimensions; i++) {
    if (random.float() < 0.5) continue;
    const [x, y] = [a[i] as number, b[i] as number];
    const u = random.float();
    const stretch = u <= 0.5 ? (2 * u) ** (1 / (near + 1)) : (1 / (2 * (1 - u))) ** (1 / (near + 1));
    const [low, high] = [space.lower[i] as number, space.upper[i] as number];
    const clip = (gene: number) => Math.min(high, Math.max(low, gene));
    const [first, second] = random.float() < 0.5 ? [a, b] : [b, a];
    first[i] = clip(0.5 * ((1 + stretch) * x + (1 - stretch) * y));
    second[i] = clip(0.5 * ((1 - stretch) * x + (1 + stretch) * y));
  }
}

function nudged(space: Space, i: number, gene: number, random: RandomStream, near: number): number {
  const finite = (bound: number, otherwise: number) => (Number.isFinite(bound) ? bound : otherwise);
  const low = finite(space.lower[i] as number, Math.min(gene, space.startLower[i] as number));
  const high = finite(space.upper[i] as number, Math.max(gene, space.startUpper[i] as number));
  const width = high - low;
  if (width === 0) return gene;
  const u = random.float();
  const power = 1 / (near + 1);
  if (u < 0.5) {
    const room = 1 - (gene - low) / width;
    return Math.max(low, gene + width * ((2 * u + (1 - 2 * u) * room ** (near + 1)) ** power - 1));
  }
  const room = 1 - (high - gene) / width;
  return Math.min(high, gene + width * (1 - (2 * (1 - u) + (2 * u - 1) * room ** (near + 1)) ** power));
}

function crossBits(a: Float64Array, b: Float64Array, random: RandomStream): void {
  const n = a.length;
  let [from, to] = [random.below(n), random.below(n)];
  if (from > to) [from, to] = [to, from];
  for (let i = from; i <= to; i++) {
    const bit = a[i] as number;
    a[i] = b[i] as number;
    b[i] = bit;
  }
}

function crossOrder(
  [a, b]: readonly [Float64Array, Float64Array],
  children: readonly [Float64Array, Float64Array],
  random: RandomStream,
): void {
  const n = a.length;
  let [from, to] = [random.below(n), random.below(n)];
  if (from > to) [from, to] = [to, from];
  fillInOrder(a, b, children[0], from, to);
  fillInOrder(b, a, children[1], from, to);
}

/** The stretch of one parent stays; the rest comes in the order of the other, from the stretch's end on. */
function fillInOrder(own: Float64Array, other: Float64Array, child: Float64Array, from: number, to: number): void {
  const n = own.length;
  const taken = new Uint8Array(n);
  for (let i = from; i <= to; i++) taken[own[i] as number] = 1;
  let place = (to + 1) % n;
  for (let step = 1; step <= n; step++) {
    const gene = other[(to + step) % n] as number;
    if (taken[gene] === 1) continue;
    child[place] = gene;
    place = (place + 1) % n;
  }
}

function invert(row: Float64Array, random: RandomStream): void {
  let [from, to] = [random.below(row.length), random.below(row.length)];
  if (from > to) [from, to] = [to, from];
  row.subarray(from, to + 1).reverse();
}
