// What makes one instance of a BBOB function: its shifts, offsets and rotations, from the generator its definition fixes.
//
// Hansen, Finck, Ros, Auger (2009): Real-Parameter Black-Box Optimization Benchmarking: Noiseless Functions Definitions,
// INRIA RR-6829. The generator (Park and Miller's, shuffled) is part of the definition: with another one nothing could be
// compared with what is published.

import { exactCos, exactLog } from "./exact.ts";

/** COCO's own limit; beyond it there is nothing to agree with, and the exact functions would take long. */
const EXACT_COUNT = 40 * 40;

const MODULUS = 2_147_483_647;

/** `count` numbers in (0, 1), decided by the seed. */
export function uniform(count: number, seed: number): Float64Array {
  let current = Math.max(1, Math.abs(seed));
  const step = () => {
    const quotient = Math.floor(current / 127_773);
    current = 16_807 * (current - quotient * 127_773) - 2_836 * quotient;
    if (current < 0) current += MODULUS;
    return current;
  };
  const shuffle = new Float64Array(32);
  for (let i = 39; i >= 0; i--) {
    step();
    if (i < 32) shuffle[i] = current;
  }
  let drawn = shuffle[0] as number;
  return Float64Array.from({ length: count }, () => {
    const next = step();
    const place = Math.floor(drawn / 67_108_865);
    drawn = shuffle[place] as number;
    shuffle[place] = next;
    return drawn === 0 ? 1e-99 : drawn / MODULUS;
  });
}

/** `count` standard normal numbers, decided by the seed. */
export function gauss(count: number, seed: number): Float64Array {
  const drawn = uniform(2 * count, seed);
  const [log, cos] = count <= EXACT_COUNT ? [exactLog, exactCos] : [Math.log, Math.cos];
  return Float64Array.from({ length: count }, (_, i) => {
    const normal = Math.sqrt(-2 * log(drawn[i] as number)) * cos(2 * Math.PI * (drawn[count + i] as number));
    return normal === 0 ? 1e-99 : normal;
  });
}

/** Where the optimum lies: in [-4, 4], four digits, never 0. */
export function optimum(dimension: number, seed: number): Float64Array {
  return uniform(dimension, seed).map((each) => {
    const place = (8 * Math.floor(1e4 * each)) / 1e4 - 4;
    return place === 0 ? -1e-5 : place;
  });
}

/** What the function has at its optimum: in [-1000, 1000], two digits. */
export function offset(seed: number): number {
  const ratio = (gauss(1, seed)[0] as number) / (gauss(1, seed + 1)[0] as number);
  return Math.min(1000, Math.max(-1000, Math.floor(100 * 100 * ratio + 0.5) / 100));
}

/** An orthogonal matrix, row by row: normal numbers made orthonormal column by column. */
export function rotation(dimension: number, seed: number): Float64Array {
  const normal = gauss(dimension * dimension, seed);
  // Columns of the matrix lie one after the other in what was drawn.
  const column = (i: number) => normal.subarray(i * dimension, (i + 1) * dimension);
  for (let i = 0; i < dimension; i++) {
    const own = column(i);
    for (let j = 0; j < i; j++) {
      const before = column(j);
      const product = dot(own, before);
      for (let k = 0; k < dimension; k++) own[k] = (own[k] as number) - product * (before[k] as number);
    }
    const length = Math.sqrt(dot(own, own));
    for (let k = 0; k < dimension; k++) own[k] = (own[k] as number) / length;
  }
  const rows = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < dimension; j++) rows[i * dimension + j] = column(j)[i] as number;
  }
  return rows;
}

/** second · diagonal(scales) · first, as one matrix: the order in which COCO multiplies, so that last bits agree. */
export function composed(first: Float64Array, scales: Float64Array, second: Float64Array): Float64Array {
  const n = scales.length;
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++)
        sum += (second[i * n + k] as number) * (scales[k] as number) * (first[k * n + j] as number);
      product[i * n + j] = sum;
    }
  }
  return product;
}

/** `base` to the power of 0 … 1, evenly over the dimensions. */
export function powers(base: number, dimension: number): Float64Array {
  return Float64Array.from({ length: dimension }, (_, i) => base ** (i / (dimension - 1)));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
