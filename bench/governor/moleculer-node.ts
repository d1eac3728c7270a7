// One Moleculer node for rows/stop.ts: `moleculer-node.ts NAME TRACKING`. Says its port; stops its broker when it is told to.

import { type Broker, brokerOf } from "../systems/moleculer.ts";

const [name = "", tracking = ""] = process.argv.slice(2);
/** As its guide has it: calls that are under way may end when the broker stops. */
const TRACKING = { tracking: { enabled: tracking === "tracking", shutdownTimeout: 10_000 } };

const broker: Broker = brokerOf(name, { port: null }, TRACKING);
broker.createService({
  name: "work",
  actions: {
    do: ({ params }: { params: { waitMs: number; key: string } }) =>
      new Promise((resolve) => setTimeout(() => resolve({ key: params.key, pid: process.pid }), params.waitMs)),
  },
});
await broker.start();
process.send?.({ port: broker.registry.nodes.localNode.port });
process.once("message", async () => {
  await broker.stop();
  process.exit(0);
});
process.on("disconnect", () => process.exit(0));
