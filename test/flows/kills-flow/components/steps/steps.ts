// The steps of the tests, with their time in real milliseconds.

import { setTimeout as wait } from "node:timers/promises";
import { component } from "unum";
import { Steps } from "../../../../gen/unum/test/v1/flows_pb.ts";

export default component(
  Steps,
  {
    work: async (item) => {
      await wait(item.workMs);
      return item;
    },
    other: (item) => item,
    spread: async function* (item) {
      for (let part = 0; part < item.number; part++) yield { ...item, name: `${item.name}.${part}` };
    },
    undo: (item) => item,
    report: (sum) => sum,
  },
  { concurrency: 16 },
);
