// Implements bench.v1.Echo, as bench/systems/unum.ts does.

import { component } from "unum";
import { Echo } from "../../../contract/gen/bench/v1/echo_pb.ts";

export default component(
  Echo,
  { text: async ({ text }) => ({ text }), bytes: async ({ bytes }) => ({ bytes }) },
  { version: "1.0.0" },
);
