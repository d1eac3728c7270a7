// A BBOB function as a problem, with what BBOB says of it.

import { type Problem, problem } from "../problem.ts";
import { bbob } from "./bbob.ts";

/** What BBOB counts as solved: so far above the optimum. */
const PRECISION = 1e-8;

export function bbobProblem(number: number, dimension: number, instance = 1): Problem {
  const { evaluate, optimum, name } = bbob(number, dimension, instance);
  return problem({
    ...{ dimensions: dimension, name: `f${number} ${name}` },
    // As its definition says: nothing is forbidden outside, and the start is within [-4, 4].
    start: { lower: -4, upper: 4 },
    target: optimum + PRECISION,
    evaluate,
  });
}
