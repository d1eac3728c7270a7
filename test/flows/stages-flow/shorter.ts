// A step is gone: what is there would have no place, so runs under way stay on their version.

import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../../gen/unum/test/v1/flows_pb.ts";

export const stages = flow(
  "stages",
  ({ source, step, sink }) => {
    source(ItemSchema).to(step("one", Steps.method.other)).to(sink("end"));
  },
  { version: "3.0.0", input: ItemSchema },
);
