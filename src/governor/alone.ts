// A node that is in no network.

import { Fault } from "../base/fault.ts";
import type { Peers } from "./peers.ts";

export const ALONE: Peers = {
  nodes: [],
  members: [],
  stats: undefined,
  changes: { who: 0, load: 0 },
  tell: () => {},
  push: () => {},
  onChange: () => {},
  answerSync: () => {
    throw new Fault("undeliverable", "this node is in no network; start it with 'unum up --listen HOST:PORT'");
  },
  bar: () => {},
  rekey: () => {},
  leave: async () => {},
};
