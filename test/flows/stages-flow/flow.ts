// The version that runs begin with.

import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../../gen/unum/test/v1/flows_pb.ts";

const { other, work } = Steps.method;

export const stages = flow(
  "stages",
  ({ source, step, sink }) => {
    source(ItemSchema).to(step("one", other)).to(step("two", work)).to(sink("end"));
  },
  { version: "1.0.0", input: ItemSchema },
);
