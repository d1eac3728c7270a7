// Each item is split over a branch and three parts, and joined again.

import { flow } from "unum/flows";
import { ItemSchema, Steps, SumSchema } from "../../gen/unum/test/v1/flows_pb.ts";

const patient = { attempts: 1_000, backoffMs: [10, 500] as const };

export const joins = flow(
  "joins",
  ({ source, step, join, sink }) => {
    const items = source(ItemSchema);
    const alone = items.to(step("alone", Steps.method.work, patient));
    const parts = items.to(step("spread", Steps.method.spread, patient)).to(step("part", Steps.method.other, patient));
    const many = join("parts", { parts }, SumSchema, ({ parts: all }) => ({ items: all.length }));
    join("together", { alone, many }, SumSchema, ({ alone: [one], many: [sum] }) => ({
      name: one?.name ?? "",
      items: (sum?.items ?? 0) + 1,
    })).to(sink("ends"));
  },
  { input: ItemSchema },
);
