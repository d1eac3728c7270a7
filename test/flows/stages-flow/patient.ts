// Another policy, and a method that does the same: every run goes on with it.

import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../../gen/unum/test/v1/flows_pb.ts";

const { other, work } = Steps.method;

export const stages = flow(
  "stages",
  ({ source, step, sink }) => {
    source(ItemSchema)
      .to(step("one", other), { capacity: 50 })
      .to(step("two", work, { attempts: 9 }))
      .to(sink("end"));
  },
  { version: "1.1.0", input: ItemSchema },
);
