// Implements bench.governor.v1.Patient, which may take eight seconds by its own word.

import { component } from "unum";
import { Patient } from "../worker/gen/worker_pb.ts";

const never = new Int32Array(new SharedArrayBuffer(4));

export default component(
  Patient,
  {
    do: ({ blockMs }) => {
      Atomics.wait(never, 0, 0, blockMs);
      return { pid: process.pid };
    },
  },
  { version: "1.0.0", budgetMs: 8_000 },
);
