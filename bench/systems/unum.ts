// Unum as its user would write it: a contract, a component, a container and a client; every limit and deadline on.
//
// Changed from its defaults: an inbox and a connection that take as many calls as the rows have in flight.

import { join } from "node:path";
import { type Client, component, DirectNetwork, newClient, runContainer, type Transport } from "../../src/index.ts";
import { systemEnv } from "../../src/system/env.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { Echo, Holder } from "../contract/gen/bench/v1/echo_pb.ts";
import type { Payloads } from "../harness/payload.ts";
import { CALL_TTL_MS, type Calling, type Exchange, MOST_IN_FLIGHT, type Serving } from "./system.ts";

/** Calls that are held stay longer than others, as the memory is looked at meanwhile. */
const HOLD_TTL_MS = 120_000;
const OPTIONS = { ttlMs: CALL_TTL_MS };
/** As many calls under way on one connection as the memory row holds. */
const WIDE = { windowMessages: MOST_IN_FLIGHT, queueMessages: MOST_IN_FLIGHT };

export async function serve(inFolder: string): Promise<Serving> {
  const { serving } = await run([wire()], [`ipc://${join(inFolder, "unum.sock")}`]);
  return serving;
}

export async function connect(address: string): Promise<Calling> {
  return callingOn(newClient({ env: systemEnv(), transports: [wire()], to: [address] }));
}

export async function local(): Promise<{ serving: Serving; calling: Calling }> {
  const network = new DirectNetwork();
  const { serving } = await run([network.transport()], ["direct://bench"]);
  const client = newClient({ env: systemEnv(), transports: [network.transport()], to: [serving.address] });
  return { serving, calling: callingOn(client) };
}

export function wire(): Transport {
  return zmtpTransport({ env: systemEnv(), limits: WIDE });
}

async function run(transports: readonly Transport[], listen: readonly string[]): Promise<{ serving: Serving }> {
  const held: (() => void)[] = [];
  let served = 0;
  const echo = component(Echo, {
    async text({ text }) {
      served++;
      return { text };
    },
    async bytes({ bytes }) {
      served++;
      return { bytes };
    },
  });
  const holder = component(
    Holder,
    {
      hold({ text }) {
        served++;
        return new Promise((resolve) => held.push(() => resolve({ text })));
      },
    },
    { concurrency: MOST_IN_FLIGHT },
  );
  const container = await runContainer({
    env: systemEnv(),
    components: [echo, holder],
    transports,
    listen,
    limits: { inbox: MOST_IN_FLIGHT },
  });
  const serving: Serving = {
    address: container.addresses[0] ?? "",
    served: () => served,
    held: () => held.length,
    release() {
      for (const answer of held.splice(0)) answer();
    },
    async close() {
      await container.drain(1_000);
    },
  };
  return { serving };
}

export function callingOn(client: Client): Calling {
  return {
    echo({ texts, at }: Payloads): Exchange<{ text: string }> {
      return {
        call: (index) => client.call(Echo.method.text, { text: texts[at(index)] ?? "" }, OPTIONS),
        right: (reply, index) => reply.text === texts[at(index)],
      };
    },
    hold: ({ texts, at }, index) =>
      client.call(Holder.method.hold, { text: texts[at(index)] ?? "" }, { ttlMs: HOLD_TTL_MS }),
    close: () => client.close(),
  };
}
