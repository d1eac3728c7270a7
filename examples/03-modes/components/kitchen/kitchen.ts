// Implements example.kitchen.v1.Kitchen: one method of each mode.

import { setTimeout } from "node:timers/promises";
import { type Call, component } from "unum";
import { Kitchen } from "./gen/kitchen_pb.ts";

function cooked({ environment }: Call): number {
  return Number(environment.get("cooked") ?? 0);
}

function cook(name: string, call: Call) {
  const number = cooked(call) + 1;
  call.environment.set("cooked", number);
  return { name, number };
}

export default component(
  Kitchen,
  {
    price: ({ name }) => ({ cents: 100 * name.length }),

    async cook({ name, simmerMs }, call) {
      await setTimeout(simmerMs);
      return cook(name, call);
    },

    async *courses({ courses }, call) {
      // Runs only as far as the reader is ahead of it; its signal says that the reader has gone.
      for (let course = 1; course <= courses && !call.signal.aborted; course++) yield cook(`course ${course}`, call);
    },

    close: (_notice, call) => ({ kitchen: call.container, cooked: cooked(call) }),
  },
  { version: "1.0.0" },
);
