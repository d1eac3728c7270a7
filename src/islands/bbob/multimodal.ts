// f15 to f19: multimodal functions with a global structure.

import { composed, optimum, powers, rotation } from "./instance.ts";
import { type Maker, SECOND } from "./maker.ts";
import { rastrigin } from "./separable.ts";
import { oscillate, outside, rotate, scale, skew, subtract } from "./transformations.ts";

export const rotatedRastrigin: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const turn = rotation(dimension, seed + SECOND);
  const matrix = composed(rotation(dimension, seed), powers(Math.sqrt(10), dimension), turn);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(turn, y, z);
    oscillate(z);
    skew(z, 0.2);
    rotate(matrix, z, y);
    return rastrigin(y);
  };
};

const WAVES = Array.from({ length: 12 }, (_, k) => ({ height: 0.5 ** k, frequency: 3 ** k }));

export const weierstrass: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const turn = rotation(dimension, seed + SECOND);
  const matrix = composed(rotation(dimension, seed), powers(0.1, dimension), turn);
  const floor = WAVES.reduce((sum, { height, frequency }) => sum + height * Math.cos(Math.PI * frequency), 0);
  const heights = Float64Array.from(WAVES, ({ height }) => height);
  const frequencies = Float64Array.from(WAVES, ({ frequency }) => frequency);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(turn, y, z);
    oscillate(z);
    rotate(matrix, z, y);
    let sum = 0;
    for (let i = 0; i < dimension; i++) {
      const phase = (y[i] as number) + 0.5;
      for (let k = 0; k < heights.length; k++) {
        sum += (heights[k] as number) * Math.cos(2 * Math.PI * phase * (frequencies[k] as number));
      }
    }
    return 10 * (sum / dimension - floor) ** 3 + (10 / dimension) * outside(x);
  };
};

export const schaffers: Maker = (instance) => schaffersOf(instance, 10);
export const illConditionedSchaffers: Maker = (instance) => schaffersOf(instance, 1000);

function schaffersOf({ dimension, seed }: Parameters<Maker>[0], condition: number): ReturnType<Maker> {
  const xopt = optimum(dimension, seed);
  const [first, second] = [rotation(dimension, seed), rotation(dimension, seed + SECOND)];
  const scales = powers(Math.sqrt(condition), dimension);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(second, y, z);
    skew(z, 0.5);
    rotate(first, z, y);
    scale(y, scales);
    let sum = 0;
    for (let i = 0; i < dimension - 1; i++) {
      const squares = (y[i] as number) * (y[i] as number) + (y[i + 1] as number) * (y[i + 1] as number);
      sum += squares ** 0.25 * (Math.sin(50 * squares ** 0.1) ** 2 + 1);
    }
    return (sum / (dimension - 1)) ** 2 + 10 * outside(x);
  };
}

export const griewankRosenbrock: Maker = ({ dimension, seed }) => {
  const matrix = rotation(dimension, seed);
  const factor = Math.max(1, Math.sqrt(dimension) / 8);
  const z = new Float64Array(dimension);
  return (x) => {
    rotate(matrix, x, z);
    for (let i = 0; i < dimension; i++) z[i] = factor * (z[i] as number) + 0.5;
    let sum = 0;
    for (let i = 0; i < dimension - 1; i++) {
      // Multiplied, not raised: the cosine of a large number shows every last bit.
      const bend = (z[i] as number) * (z[i] as number) - (z[i + 1] as number);
      const slope = 1 - (z[i] as number);
      const curve = 100 * bend * bend + slope * slope;
      sum += curve / 4000 - Math.cos(curve);
    }
    return 10 + (10 * sum) / (dimension - 1);
  };
};
