// A sphere whose values come a millisecond later.

import { setTimeout } from "node:timers/promises";
import { problem } from "unum/islands";

export default problem({
  dimensions: 5,
  lower: -5,
  upper: 5,
  evaluate: async (x) => {
    await setTimeout(1);
    return x.reduce((sum, each) => sum + each * each, 0);
  },
});
