// Rosenbrock's valley: its floor is easily found, its least point is not.

import { problem } from "unum/islands";

export default problem({
  dimensions: 10,
  lower: -5,
  upper: 5,
  evaluate: (x) => {
    let sum = 0;
    for (let i = 1; i < x.length; i++) {
      const before = x[i - 1] ?? 0;
      sum += 100 * ((x[i] ?? 0) - before ** 2) ** 2 + (1 - before) ** 2;
    }
    return sum;
  },
});
