// Moleculer as its guide sets it up: brokers on the TCP transporter, its default JSON serializer, requestTimeout on.
//
// Changed from its defaults: no log, no UDP discovery (the address is given), and a packet limit that lets 1 MB through.

import { createRequire } from "node:module";
import type { Payloads } from "../harness/payload.ts";
import { CALL_TTL_MS, type Calling, type Exchange, type Serving } from "./system.ts";

const PACKET_LIMIT_BYTES = 64 * 1024 * 1024;
const DISCOVERY_MS = 20_000;

/** What is used of it. It is installed in bench/peers alone, so its own types are not at hand. */
export interface Broker {
  start(): Promise<void>;
  stop(): Promise<void>;
  createService(schema: object): void;
  call(action: string, parameters: object): Promise<unknown>;
  waitForServices(names: string[], timeoutMs: number): Promise<unknown>;
  readonly registry: { readonly nodes: { readonly localNode: { readonly port: number } } };
}

interface Moleculer {
  readonly ServiceBroker: new (options: object) => Broker;
}

export async function serve(): Promise<Serving> {
  const broker = brokerOf("server", { port: null });
  const serving = echoOn(broker);
  await broker.start();
  return { ...serving, address: `127.0.0.1:${broker.registry.nodes.localNode.port}/server` };
}

export async function connect(address: string): Promise<Calling> {
  const broker = brokerOf("client", { urls: [address] });
  await broker.start();
  await broker.waitForServices(["echo"], DISCOVERY_MS);
  return callingOn(broker);
}

export async function local(): Promise<{ serving: Serving; calling: Calling }> {
  const broker = brokerOf("local", undefined);
  const serving = echoOn(broker);
  await broker.start();
  await broker.waitForServices(["echo"], DISCOVERY_MS);
  return { serving, calling: callingOn(broker) };
}

/** `more`: of its own options. */
export function brokerOf(nodeID: string, tcp: object | undefined, more: object = {}): Broker {
  const require = createRequire(new URL("../peers/package.json", import.meta.url));
  // The interface above is the part of its documentation that is used here.
  const { ServiceBroker } = require("moleculer") as Moleculer;
  const options = { udpDiscovery: false, useHostname: false, maxPacketSize: PACKET_LIMIT_BYTES, ...tcp };
  const transporter = tcp === undefined ? null : { type: "TCP", options };
  return new ServiceBroker({ nodeID, logger: false, transporter, requestTimeout: CALL_TTL_MS, ...more });
}

function echoOn(broker: Broker): Serving {
  const held: (() => void)[] = [];
  let served = 0;
  broker.createService({
    name: "echo",
    actions: {
      async echo(context: { params: { text: string } }) {
        served++;
        return { text: context.params.text };
      },
      hold(context: { params: { text: string } }) {
        served++;
        return new Promise((resolve) => held.push(() => resolve({ text: context.params.text })));
      },
    },
  });
  return {
    address: "",
    served: () => served,
    held: () => held.length,
    release() {
      for (const answer of held.splice(0)) answer();
    },
    close: () => broker.stop(),
  };
}

function callingOn(broker: Broker): Calling {
  return {
    echo({ texts, at }: Payloads): Exchange<unknown> {
      return {
        call: (index) => broker.call("echo.echo", { text: texts[at(index)] }),
        right: (reply, index) => textOf(reply) === texts[at(index)],
      };
    },
    hold: ({ texts, at }, index) => broker.call("echo.hold", { text: texts[at(index)] }),
    close: () => broker.stop(),
  };
}

function textOf(reply: unknown): unknown {
  return typeof reply === "object" && reply !== null && "text" in reply ? reply.text : undefined;
}
