import { systemClock } from "../system/clock.ts";
import { settledWithin } from "../testing/promises/settled.ts";
import { transportPromises } from "../testing/promises/transport.ts";
import { DirectNetwork } from "./direct.ts";

// What is in one process has no network to lose: calls under way get their reply, whichever end closes.
transportPromises("direct", { refusesTooLarge: false, losesCalls: false, deadlineErrorMs: 0 }, async () => {
  const network = new DirectNetwork();
  let count = 0;
  return {
    clock: systemClock(),
    transport: () => network.transport(),
    address: () => `direct://a${++count}`,
    settled: (promise) => settledWithin(10_000, promise),
    close: async () => {},
  };
});
