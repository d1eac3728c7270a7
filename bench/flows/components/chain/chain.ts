// Implements bench.flows.v1.Chain.

import { component } from "unum";
import { Chain } from "./gen/chain_pb.ts";

const PARTS = 100;

export default component(
  Chain,
  {
    link: ({ hops, text }) => ({ hops: hops + 1, text }),
    split: async function* (hop) {
      for (let part = 0; part < PARTS; part++) yield hop;
    },
  },
  { concurrency: 64 },
);
