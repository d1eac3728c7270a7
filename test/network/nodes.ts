// Nodes of one network on this computer, for tests: each with its governor, at a port of its own.

import { createServer } from "node:net";
import type { LimitsChange } from "../../src/capacity/limits.ts";
import type { GovernorStart } from "../../src/cli/process/governor-start.ts";
import { startNode, type TestNode } from "../governor/node.ts";

/** A port that was free just now. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface NetworkNode extends TestNode {
  readonly id: string;
  /** Of its gossip and its door: HOST:PORT. */
  readonly at: string;
}

export async function startNetworkNode(
  id: string,
  seeds: readonly string[],
  limits: LimitsChange = {},
  set: Partial<GovernorStart> = {},
): Promise<NetworkNode> {
  const port = await freePort();
  const node = await startNode(limits, {
    id,
    listen: [`tcp://127.0.0.1:${port}`],
    network: { gossip: { host: "127.0.0.1", port }, seeds, containers: "tcp://127.0.0.1:0" },
    ...set,
  });
  return { ...node, id, at: `127.0.0.1:${port}` };
}

/** Settles when each of the nodes sees the others in this state. */
export async function seeEachOther(nodes: readonly NetworkNode[], state = "alive"): Promise<void> {
  for (const node of nodes) {
    await node.until(
      ({ peers }) =>
        nodes.every(({ id }) => peers.some((peer) => peer.id === id && peer.state === state && peer.containers > 0)),
      60_000,
    );
  }
}
