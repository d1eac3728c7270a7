// A sphere whose values come late: a run lasts long enough for nodes to die in it, on any machine.

import { setTimeout } from "node:timers/promises";
import { problem } from "unum/islands";

export default problem({
  dimensions: 5,
  lower: -5,
  upper: 5,
  evaluate: async (x) => {
    await setTimeout(20);
    return x.reduce((sum, each) => sum + each * each, 0);
  },
});
