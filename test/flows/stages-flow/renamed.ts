// A step has another name: runs go on with it once that is said.

import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../../gen/unum/test/v1/flows_pb.ts";

const { other, work } = Steps.method;

export const stages = flow(
  "stages",
  ({ source, step, sink }) => {
    source(ItemSchema).to(step("one", other)).to(step("second", work)).to(sink("end"));
  },
  { version: "2.0.0", input: ItemSchema },
);
