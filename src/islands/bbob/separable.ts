// f1 to f5: separable functions.

import { optimum, powers } from "./instance.ts";
import type { Maker } from "./maker.ts";
import { oscillate, oscillated, outside, scale, skew, subtract, sumOfSquares } from "./transformations.ts";

export const sphere: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const z = new Float64Array(dimension);
  return (x) => {
    subtract(x, xopt, z);
    return sumOfSquares(z);
  };
};

export const separableEllipsoid: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const weights = powers(1e6, dimension);
  return (x) => {
    let sum = 0;
    for (let i = 0; i < dimension; i++)
      sum += (weights[i] as number) * oscillated((x[i] as number) - (xopt[i] as number)) ** 2;
    return sum;
  };
};

export const separableRastrigin: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const scales = powers(Math.sqrt(10), dimension);
  const z = new Float64Array(dimension);
  return (x) => {
    subtract(x, xopt, z);
    oscillate(z);
    skew(z, 0.2);
    scale(z, scales);
    return rastrigin(z);
  };
};

export const buecheRastrigin: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed).map((each, i) => (i % 2 === 0 ? Math.abs(each) : each));
  const scales = powers(Math.sqrt(10), dimension);
  const z = new Float64Array(dimension);
  return (x) => {
    subtract(x, xopt, z);
    oscillate(z);
    for (let i = 0; i < dimension; i += 2) if ((z[i] as number) > 0) z[i] = 10 * (z[i] as number);
    scale(z, scales);
    return rastrigin(z) + 100 * outside(x);
  };
};

export const linearSlope: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed).map((each) => 5 * Math.sign(each));
  const slopes = powers(10, dimension).map((each, i) => -Math.sign(xopt[i] as number) * each);
  const top = 5 * slopes.reduce((sum, each) => sum + Math.abs(each), 0);
  return (x) => {
    let sum = top;
    for (let i = 0; i < dimension; i++) {
      const inside = (x[i] as number) * (xopt[i] as number) < 25 ? (x[i] as number) : (xopt[i] as number);
      sum += (slopes[i] as number) * inside;
    }
    return sum;
  };
};

export function rastrigin(z: Float64Array): number {
  let cosines = 0;
  for (let i = 0; i < z.length; i++) cosines += Math.cos(2 * Math.PI * (z[i] as number));
  return 10 * (z.length - cosines) + sumOfSquares(z);
}
