// The same under a declared budget of a minute.

import { component } from "unum";
import { LongWork } from "../../../gen/unum/test/v1/work_pb.ts";

export default component(
  LongWork,
  {
    do: ({ blockMs, key }, call) => {
      const until = performance.now() + blockMs;
      while (performance.now() < until);
      return { pid: process.pid, container: call.container, code: "long", key };
    },
  },
  { version: "1.0.0", budgetMs: 60_000 },
);
