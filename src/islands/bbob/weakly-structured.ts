// f20 to f24: multimodal functions with weak global structure.

import { composed, gauss, optimum, powers, rotation, uniform } from "./instance.ts";
import { type Maker, SECOND } from "./maker.ts";
import { oscillated, outside, rotate, scale, subtract } from "./transformations.ts";

export const schwefel: Maker = ({ dimension, seed }) => {
  const signs = uniform(dimension, seed).map((each) => (each < 0.5 ? -1 : 1));
  const place = 4.2096874637;
  const scales = powers(Math.sqrt(10), dimension);
  return (x) => {
    let sum = 0;
    let penalty = 0;
    let before = 0;
    for (let i = 0; i < dimension; i++) {
      const own = 2 * (signs[i] as number) * (x[i] as number);
      const chained = i === 0 ? own : own + 0.25 * (before - place);
      before = own;
      const z = 100 * ((scales[i] as number) * (chained - place) + place);
      const over = Math.abs(z) - 500;
      if (over > 0) penalty += over * over;
      sum += z * Math.sin(Math.sqrt(Math.abs(z)));
    }
    return 0.01 * (penalty + 418.9828872724339 - sum / dimension);
  };
};

export const gallagher101: Maker = (instance) =>
  gallagher(instance, { peaks: 101, width: 10, highest: Math.sqrt(1000) });
export const gallagher21: Maker = (instance) => gallagher(instance, { peaks: 21, width: 9.8, highest: 1000 });

function gallagher(
  { dimension, seed }: Parameters<Maker>[0],
  { peaks, width, highest }: { readonly peaks: number; readonly width: number; readonly highest: number },
): ReturnType<Maker> {
  const matrix = rotation(dimension, seed);
  const places = uniform(dimension * peaks, seed).map((each) => width * each - width / 2);
  const order = ranksOf(uniform(peaks - 1, seed));
  const heights = Float64Array.from({ length: peaks }, (_, k) => (k === 0 ? 10 : 1.1 + (8 * (k - 1)) / (peaks - 2)));
  const centres = new Float64Array(peaks * dimension);
  const weights = new Float64Array(peaks * dimension);
  for (let k = 0; k < peaks; k++) {
    const centre = centres.subarray(k * dimension, (k + 1) * dimension);
    rotate(matrix, places.subarray(k * dimension, (k + 1) * dimension), centre);
    // The highest is kept away from the border.
    if (k === 0) for (let j = 0; j < dimension; j++) centre[j] = 0.8 * (centre[j] as number);
    const condition = k === 0 ? highest : 1000 ** ((order[k - 1] as number) / (peaks - 2));
    const shuffled = ranksOf(uniform(dimension, seed + 1000 * k));
    for (let j = 0; j < dimension; j++)
      weights[k * dimension + j] = condition ** ((shuffled[j] as number) / (dimension - 1) - 0.5);
  }
  const turned = new Float64Array(dimension);
  return (x) => {
    rotate(matrix, x, turned);
    let best = 0;
    for (let k = 0, cell = 0; k < peaks; k++) {
      let distance = 0;
      for (let j = 0; j < dimension; j++, cell++) {
        const away = (turned[j] as number) - (centres[cell] as number);
        distance += (weights[cell] as number) * away * away;
      }
      const height = (heights[k] as number) * Math.exp((-0.5 / dimension) * distance);
      if (height > best) best = height;
    }
    return oscillated(10 - best) ** 2 + outside(x);
  };
}

/** Which of the values is the smallest, the next, and so on. */
function ranksOf(values: Float64Array): number[] {
  return [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
}

export const katsuura: Maker = ({ dimension, seed }) => {
  const xopt = optimum(dimension, seed);
  const matrix = composed(rotation(dimension, seed), powers(10, dimension), rotation(dimension, seed + SECOND));
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    subtract(x, xopt, y);
    rotate(matrix, y, z);
    let product = 1;
    for (let i = 0; i < dimension; i++) {
      let sum = 0;
      for (let power = 2; power <= 2 ** 32; power *= 2) {
        const value = power * (z[i] as number);
        sum += Math.abs(value - Math.floor(value + 0.5)) / power;
      }
      product *= (1 + (i + 1) * sum) ** (10 / dimension ** 1.2);
    }
    return (10 / dimension ** 2) * (product - 1) + outside(x);
  };
};

export const lunacek: Maker = ({ dimension, seed }) => {
  const signs = gauss(dimension, seed).map((each) => (each < 0 ? -1 : 1));
  const [first, second] = [rotation(dimension, seed), rotation(dimension, seed + SECOND)];
  const scales = powers(10, dimension);
  const near = 2.5;
  const width = 1 - 0.5 / (Math.sqrt(dimension + 20) - 4.1);
  const far = -Math.sqrt((near * near - 1) / width);
  const [y, z] = [new Float64Array(dimension), new Float64Array(dimension)];
  return (x) => {
    let toNear = 0;
    let toFar = 0;
    for (let i = 0; i < dimension; i++) {
      const hat = 2 * (signs[i] as number) * (x[i] as number);
      y[i] = hat - near;
      toNear += (hat - near) * (hat - near);
      toFar += (hat - far) * (hat - far);
    }
    rotate(first, y, z);
    scale(z, scales);
    rotate(second, z, y);
    let cosines = 0;
    for (let i = 0; i < dimension; i++) cosines += Math.cos(2 * Math.PI * (y[i] as number));
    return Math.min(toNear, dimension + width * toFar) + 10 * (dimension - cosines) + 1e4 * outside(x);
  };
};
