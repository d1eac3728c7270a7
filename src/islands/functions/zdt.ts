// Problems with two or three objectives whose fronts are known.
//
// ZDT: Zitzler, Deb, Thiele (2000), Comparison of Multiobjective Evolutionary Algorithms, Evolutionary Computation 8(2).
// DTLZ: Deb, Thiele, Laumanns, Zitzler (2002), Scalable multi-objective optimization test problems, CEC.

import type { ProblemSettings } from "../problem.ts";

type Objectives = (x: Float64Array) => readonly number[];

const at = (x: Float64Array, i: number) => x[i] as number;

function mean(x: Float64Array, of: (value: number) => number): number {
  let sum = 0;
  for (let i = 1; i < x.length; i++) sum += of(at(x, i));
  return sum / (x.length - 1);
}

function zdt(
  f1: (x: number) => number,
  g: (x: Float64Array) => number,
  h: (f1: number, g: number) => number,
): Objectives {
  return (x) => {
    const first = f1(at(x, 0));
    const rest = g(x);
    return [first, rest * h(first, rest)];
  };
}

const linear = (x: Float64Array) => 1 + 9 * mean(x, (value) => value);
const convex = (f1: number, g: number) => 1 - Math.sqrt(f1 / g);
const wavy = (x: Float64Array) => {
  let sum = 1 + 10 * (x.length - 1);
  for (let i = 1; i < x.length; i++) sum += at(x, i) ** 2 - 10 * Math.cos(4 * Math.PI * at(x, i));
  return sum;
};
const sixth = (x: number) => 1 - Math.exp(-4 * x) * Math.sin(6 * Math.PI * x) ** 6;

const unit = (dimensions: number, evaluate: Objectives): ProblemSettings => ({
  ...{ dimensions, lower: 0, upper: 1, objectives: 2, evaluate },
});

const first = (x: number) => x;

/** By their names. */
export const ZDT: Readonly<Record<"zdt1" | "zdt2" | "zdt3" | "zdt4" | "zdt6", ProblemSettings>> = {
  zdt1: unit(30, zdt(first, linear, convex)),
  zdt2: unit(
    30,
    zdt(first, linear, (f1, g) => 1 - (f1 / g) ** 2),
  ),
  zdt3: unit(
    30,
    zdt(first, linear, (f1, g) => convex(f1, g) - (f1 / g) * Math.sin(10 * Math.PI * f1)),
  ),
  zdt4: {
    ...unit(10, zdt(first, wavy, convex)),
    lower: [0, ...new Array<number>(9).fill(-5)],
    upper: [1, ...new Array<number>(9).fill(5)],
  },
  zdt6: unit(
    10,
    zdt(
      sixth,
      (x) => 1 + 9 * mean(x, (value) => value) ** 0.25,
      (f1, g) => 1 - (f1 / g) ** 2,
    ),
  ),
};

/** DTLZ2: the front is the part of a sphere where nothing is negative. */
export function dtlz2(objectives: number, dimensions = objectives + 9): ProblemSettings {
  const evaluate: Objectives = (x) => {
    let g = 0;
    for (let i = objectives - 1; i < dimensions; i++) g += (at(x, i) - 0.5) ** 2;
    return Array.from({ length: objectives }, (_, m) => {
      let value = 1 + g;
      for (let i = 0; i < objectives - 1 - m; i++) value *= Math.cos((at(x, i) * Math.PI) / 2);
      return m === 0 ? value : value * Math.sin((at(x, objectives - 1 - m) * Math.PI) / 2);
    });
  };
  return { dimensions, lower: 0, upper: 1, objectives, evaluate };
}
