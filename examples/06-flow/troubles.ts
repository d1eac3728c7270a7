// What goes wrong in a flow: retries, time-outs, dead letters, and a join that goes on without what is lost.
//
//   jobs ─┬─▶ shaky  (fails twice, then works) ─┐
//         ├─▶ slow   (too slow for the odd ones)├─▶ outcome ─▶ outcomes
//         └─▶ broken (never works)              ┘

import { flow } from "unum/flows";
import { JobSchema, OutcomeSchema, Troubles } from "./components/troubles/gen/troubles_pb.ts";

const { shaky, slow, broken } = Troubles.method;

export const troubles = flow(
  "troubles",
  ({ source, step, join, sink }) => {
    const jobs = source(JobSchema, "jobs");
    const works = jobs.to(step("shaky", shaky, { attempts: 5, backoffMs: [20, 200] }));
    const late = jobs.to(step("slow", slow, { attempts: 2, timeoutMs: 300, backoffMs: [20, 200] }));
    const never = jobs.to(step("broken", broken, { attempts: 2, backoffMs: [20, 200] }));
    join(
      "outcome",
      { works, late, never },
      OutcomeSchema,
      ({ works: a, late: b, never: c }, { lost }) => ({
        job: [...a, ...b, ...c][0]?.name ?? "",
        came: a.length + b.length + c.length,
        lost,
      }),
      { lost: "skip" },
    ).to(sink("outcomes"));
  },
  { input: JobSchema },
);

export function* input() {
  for (let number = 1; number <= 10; number++) yield { name: `job ${number}`, number };
}
