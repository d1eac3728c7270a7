// f6 to f9: functions with low or moderate conditioning.

import { composed, optimum, powers, rotation } from "./instance.ts";
import { type Maker, SECOND } from "./maker.ts";
import { oscillated, outside, rotate, scale, subtract, sumOfSquares } from "./transformations.ts";

export const attractiveSector: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const matrix = composed(
    rotation(dimension, seed),
    powers(Math.sqrt(10), dimension),
    rotation(dimension, seed + SECOND),
  );
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(matrix, y, z);
    for (let i = 0; i < dimension; i++) if ((z[i] as number) * (xopt[i] as number) > 0) z[i] = 100 * (z[i] as number);
    return oscillated(sumOfSquares(z)) ** 0.9;
  };
};

export const stepEllipsoid: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const [first, second] = [rotation(dimension, seed), rotation(dimension, seed + SECOND)];
  const scales = powers(Math.sqrt(10), dimension);
  const weights = powers(100, dimension);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(first, y, z);
    scale(z, scales);
    const slope = Math.abs(z[0] as number);
    for (let i = 0; i < dimension; i++) {
      const value = z[i] as number;
      z[i] = Math.abs(value) > 0.5 ? Math.floor(value + 0.5) : Math.floor(10 * value + 0.5) / 10;
    }
    rotate(second, z, y);
    let sum = 0;
    for (let i = 0; i < dimension; i++) sum += (weights[i] as number) * (y[i] as number) * (y[i] as number);
    return 0.1 * Math.max(slope * 1e-4, sum) + outside(x);
  };
};

export const rosenbrockFunction: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed).map((each) => 0.75 * each);
  const factor = Math.max(1, Math.sqrt(dimension) / 8);
  const z = new Float64Array(dimension);
  return (x) => {
    for (let i = 0; i < dimension; i++) z[i] = factor * ((x[i] as number) - (xopt[i] as number)) + 1;
    return valley(z);
  };
};

export const rotatedRosenbrock: Maker = ({ dimension, seed }) => {
  const matrix = rotation(dimension, seed);
  const factor = Math.max(1, Math.sqrt(dimension) / 8);
  const z = new Float64Array(dimension);
  return (x) => {
    rotate(matrix, x, z);
    for (let i = 0; i < dimension; i++) z[i] = factor * (z[i] as number) + 0.5;
    return valley(z);
  };
};

function valley(z: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < z.length - 1; i++) {
    const curve = (z[i] as number) * (z[i] as number) - (z[i + 1] as number);
    const slope = (z[i] as number) - 1;
    sum += 100 * curve * curve + slope * slope;
  }
  return sum;
}
