// f10 to f14: unimodal functions with high conditioning.

import { composed, optimum, powers, rotation } from "./instance.ts";
import { type Maker, SECOND } from "./maker.ts";
import { oscillate, rotate, skew, subtract, sumOfSquares } from "./transformations.ts";

export const ellipsoid: Maker = ({ dimension, seed }) => {
  const turned = turnedAt(dimension, seed);
  const weights = powers(1e6, dimension);
  return (x) => {
    const z = turned(x);
    oscillate(z);
    let sum = 0;
    for (let i = 0; i < dimension; i++) sum += (weights[i] as number) * (z[i] as number) * (z[i] as number);
    return sum;
  };
};

export const discus: Maker = ({ dimension, seed }) => {
  const turned = turnedAt(dimension, seed);
  return (x) => {
    const z = turned(x);
    oscillate(z);
    return sumOfSquares(z) + (1e6 - 1) * (z[0] as number) * (z[0] as number);
  };
};

export const bentCigar: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed + SECOND);
  const matrix = rotation(dimension, seed + SECOND);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(matrix, y, z);
    skew(z, 0.5);
    rotate(matrix, z, y);
    return 1e6 * sumOfSquares(y) + (1 - 1e6) * (y[0] as number) * (y[0] as number);
  };
};

export const sharpRidge: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const matrix = composed(
    rotation(dimension, seed),
    powers(Math.sqrt(10), dimension),
    rotation(dimension, seed + SECOND),
  );
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  const across = z.subarray(1);
  return (x) => {
    subtract(x, xopt, y);
    rotate(matrix, y, z);
    return (z[0] as number) * (z[0] as number) + 100 * Math.sqrt(sumOfSquares(across));
  };
};

export const differentPowers: Maker = ({ dimension, seed }) => {
  const turned = turnedAt(dimension, seed);
  return (x) => {
    const z = turned(x);
    let sum = 0;
    for (let i = 0; i < dimension; i++) sum += Math.abs(z[i] as number) ** (2 + (4 * i) / (dimension - 1));
    return Math.sqrt(sum);
  };
};

/** Shifted to the optimum and rotated; the answer is overwritten by the next. */
function turnedAt(dimension: number, seed: number): (x: Float64Array) => Float64Array {
  const xopt = optimum(dimension, seed);
  const matrix = rotation(dimension, seed + SECOND);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(matrix, y, z);
    return z;
  };
}
