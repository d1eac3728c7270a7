// Callers of the example's program that never pause: who sees whether a call fails while something else is done.

import { Shrink } from "../../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";

/** Calls without a pause until `stop`; settles with every version that answered, and every failure. */
export async function load(home: string) {
  const env = systemEnv();
  const door = `ipc://${home}/run/door.sock`;
  const client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds: [door], withinMs: 30_000 });
  let stopped = false;
  const versions = new Set<string>();
  const failures: string[] = [];
  let calls = 0;
  const caller = async () => {
    while (!stopped) {
      try {
        const { version } = await client.call(
          Shrink.method.plan,
          { width: 4, height: 3, longest: 2 },
          { ttlMs: 30_000, withinMs: 20_000 },
        );
        versions.add(version);
        calls++;
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((soon) => setImmediate(soon));
    }
  };
  const callers = [caller(), caller()];
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(callers);
      await client.close();
      return { versions: [...versions], failures, calls };
    },
  };
}
