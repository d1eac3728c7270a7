// Callers of the example's program that never pause: who sees whether a call fails while something else is done.

import { Shrink } from "../../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";

/**
 * Calls without a pause until `stop`, which settles with every version that answered, and every failure. `ended`: settles when so many
 * more calls have ended, well or not.
 */
export async function load(home: string) {
  const env = systemEnv();
  const door = `ipc://${home}/run/door.sock`;
  const client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds: [door], withinMs: 30_000 });
  let stopped = false;
  const versions = new Set<string>();
  const failures: string[] = [];
  let calls = 0;
  const awaited = new Set<{ left: number; readonly over: () => void }>();
  const oneEnded = () => {
    for (const each of awaited) if (--each.left <= 0 && awaited.delete(each)) each.over();
  };
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
      oneEnded();
      await new Promise((soon) => setImmediate(soon));
    }
  };
  const callers = [caller(), caller()];
  return {
    ended: (count: number) => new Promise<void>((over) => void awaited.add({ left: count, over })),
    stop: async () => {
      stopped = true;
      await Promise.all(callers);
      await client.close();
      return { versions: [...versions], failures, calls };
    },
  };
}
