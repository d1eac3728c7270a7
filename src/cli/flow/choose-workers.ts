// Who works for a run: a node that serves its steps, containers of the run's own, or this process.

import { availableParallelism } from "node:os";
import type { Env } from "../../base/env.ts";
import { type Client, newClient } from "../../client/client.ts";
import { callWorkers, type Graph, type Workers } from "../../flows/index.ts";
import { loadComponents } from "../../node/load-components.ts";
import { failureLine } from "../../node/load-failure.ts";
import { runContainer } from "../../node/run-container.ts";
import { DirectNetwork } from "../../transports/direct.ts";
import { addressOf, type Connection, connect } from "../connection.ts";
import { describeEach } from "../remote.ts";
import { liveSockets, ownDoor, runFolder } from "../run-folder.ts";
import { ContainerPool } from "./container-pool.ts";
import { type DescribedContainer, nodeCapacity } from "./node-capacity.ts";

export interface WorkerFlags {
  readonly to?: readonly string[];
  readonly inProcess?: boolean;
  readonly workers?: number;
}

export interface Chosen {
  readonly workers: Workers;
  /** In words, for who watches. */
  readonly where: string;
  readonly containers: () => number;
  /** Containers of the run's own; undefined where others work. */
  readonly pool: ContainerPool | undefined;
}

export async function chooseWorkers(
  flags: WorkerFlags,
  given: { readonly env: Env; readonly graph: Graph; readonly folder: string; readonly say: (line: string) => void },
): Promise<Chosen> {
  const { env, graph, folder, say } = given;
  if (flags.to !== undefined) return ofNode(flags.to, graph, say);
  if (flags.inProcess) return inProcess(env, folder, say);
  if (flags.workers === undefined) {
    const door = (await liveSockets(runFolder(), env.network)).find((address) => address === ownDoor());
    const node = door === undefined ? undefined : await ofNode([door], graph, say);
    if (node !== undefined && missingAt(node.workers, graph).length === 0) return node;
    if (node !== undefined) {
      say(
        `the node here does not serve ${missingAt(node.workers, graph).join(", ")}: the run starts containers of its own`,
      );
      await node.workers.close();
    }
  }
  const most = flags.workers ?? Math.max(2, Math.min(8, availableParallelism()));
  const pool = await ContainerPool.start({ env, folder, most, say });
  for (const failure of pool.failures) say(`not served: ${failure}`);
  return { workers: pool.workers, where: `up to ${most} containers of its own`, containers: () => pool.size, pool };
}

/** By a node's door, whose directory tells who is there; or by containers, which are asked once. Rejects with `undeliverable` where nobody answers. */
async function ofNode(to: readonly string[], graph: Graph, say: (line: string) => void): Promise<Chosen> {
  const connection = await connect({ to });
  const { node, env } = connection;
  const client: Client = node ?? connection.client(connection.addresses);
  const described = await describedBy(connection);
  const doors = node === undefined ? [] : to.map(addressOf);
  const workers = callWorkers({
    client,
    capacity: nodeCapacity({ clock: env.clock, node, described, door: connection.client(doors) }),
    serves: (contract) =>
      node?.components().some((each) => each.contract === contract) ??
      described.some(({ components }) => components.some((each) => each.contract === contract)),
    close: () => connection.close(),
  });
  if (node === undefined) say(`calls go to ${connection.addresses.join(", ")}`);
  const containers = () =>
    node?.nodes().reduce((sum, each) => sum + each.containers.length, 0) ?? connection.addresses.length;
  return {
    workers,
    where: node === undefined ? `for ${graph.name}: ${to.join(", ")}` : "the node here",
    containers,
    pool: undefined,
  };
}

const DESCRIBE_MS = 5_000;

async function describedBy({ node, addresses, client }: Connection): Promise<readonly DescribedContainer[]> {
  if (node !== undefined) return node.describe({ ttlMs: DESCRIBE_MS });
  const options = { ttlMs: DESCRIBE_MS, signal: new AbortController().signal };
  const { described, unreached } = await describeEach(addresses, client, options);
  const [first] = unreached;
  if (described.length === 0 && first !== undefined) throw first.fault;
  return described.map(({ description }) => description);
}

async function inProcess(env: Env, folder: string, say: (line: string) => void): Promise<Chosen> {
  const { components, failures } = await loadComponents(folder, env);
  for (const failure of failures) say(`not served: ${failureLine(failure)}`);
  const network = new DirectNetwork();
  const container = await runContainer({
    ...{ env, components: components.map(({ component }) => component) },
    ...{ transports: [network.transport()], listen: ["direct://flow"] },
  });
  const client = newClient({ env, transports: [network.transport()], to: container.addresses });
  const served = new Map(components.map(({ component }) => [component.contract.typeName, component.concurrency]));
  const workers = callWorkers({
    client,
    capacity: { clock: env.clock, parallel: (contract) => served.get(contract), busy: () => {} },
    serves: (contract) => served.has(contract),
    close: async () => {
      await container.drain(0);
      await client.close();
    },
  });
  return { workers, where: "this process", containers: () => 1, pool: undefined };
}

function missingAt(workers: Workers, graph: Graph): string[] {
  const contracts = graph.nodes.flatMap((node) => (node.kind === "step" ? [node.method.parent.typeName] : []));
  return [...new Set(contracts)].filter((contract) => workers.serves(`${contract}/`) === false);
}
