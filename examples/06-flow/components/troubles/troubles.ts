// Implements example.v1.Troubles.

import { setTimeout as wait } from "node:timers/promises";
import { component } from "unum";
import { Troubles } from "./gen/troubles_pb.ts";

export default component(
  Troubles,
  {
    shaky(job, { meta }) {
      const attempt = Number(meta["flow-attempt"] ?? 1);
      if (attempt < 3) throw new Error(`not in attempt ${attempt}`);
      return job;
    },
    async slow(job, { signal }) {
      // The flow stops waiting, and says so by the signal.
      if (job.number % 2 === 1) await wait(60_000, undefined, { signal });
      return job;
    },
    broken() {
      throw new RangeError("never works");
    },
  },
  { version: "1.0.0", concurrency: 8 },
);
