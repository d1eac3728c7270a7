// Hosts of other computers: containers of nodes whose components were made by `islandHost`, entered by any of their doors.

import { Fault } from "../../base/fault.ts";
import { didYouMean } from "../../base/nearest.ts";
import type { Client } from "../../client/client.ts";
import { bbobProblem } from "../../islands/bbob/bbob-problem.ts";
import { type PlannedProblem, spaceOfServed } from "../../islands/host/hosted-problem.ts";
import { IslandHost } from "../../islands/wire.ts";
import type { Address } from "../../transports/transport.ts";
import { type Connection, connect, type ToOptions } from "../connection.ts";
import { UsageError } from "../usage.ts";
import type { ProblemSpec } from "./problem-spec.ts";

const CONTRACT = IslandHost.typeName;
/** A container may have to be started first. */
const FIRST_MS = 60_000;
const ASK_MS = 10_000;

export interface HostNetwork {
  readonly connection: Connection;
  readonly client: Client;
  /** Containers that host islands now. */
  hosts(): number;
  nodes(): number;
  /** The node of a container; undefined for one that is not known (any more). */
  nodeOf(container: string): string | undefined;
  /** Where it is searched, and with which version of the component; throws a UsageError where nobody has it. */
  problem(spec: ProblemSpec): Promise<PlannedProblem & { readonly version: string }>;
  close(): Promise<void>;
}

/** Throws a Fault where nobody answers, or nobody there hosts islands. */
export async function openNetwork(options: ToOptions): Promise<HostNetwork> {
  const connection = await connect(options);
  const { node, addresses } = connection;
  const client: Client = node ?? connection.client(addresses);
  const hosting = () =>
    (node?.nodes() ?? []).flatMap((each) =>
      each.containers
        .filter(({ components }) => components.some(({ contract }) => contract === CONTRACT))
        .map((container) => ({ node: each.id, container })),
    );
  const network: HostNetwork = {
    ...{ connection, client },
    hosts: () => (node === undefined ? addresses.length : Math.max(1, hosting().length)),
    nodes: () => new Set(hosting().map((each) => each.node)).size,
    nodeOf: (id) => hosting().find(({ container }) => container.id === id)?.node,
    problem: async (spec) => {
      if (spec.kind === "bbob") {
        const { space, target } = bbobProblem(spec.number, spec.dimension, spec.instance);
        return { space, target, noisy: false, proposes: false, version: "" };
      }
      if (spec.kind !== "served") throw new UsageError(`a ${spec.kind} cannot be evaluated by containers of a node`);
      const places =
        node === undefined ? addresses : hosting().flatMap(({ container }) => container.addresses.slice(-1));
      return servedBy(await problemsAt(connection, client, places), spec.name);
    },
    close: () => connection.close(),
  };
  // Whoever starts containers when they are called starts one now.
  await client
    .request(IslandHost.method.problems, {}, { ttlMs: FIRST_MS, withinMs: FIRST_MS })
    .catch(async (thrown) => {
      await network.close();
      if (!(thrown instanceof Fault)) throw thrown;
      const to = options.to?.join(", ") ?? "the node here";
      const way = "serve a component made by islandHost() there, as examples/09-islands does";
      throw new Fault(thrown.code, `nobody at ${to} hosts islands: ${thrown.message}; ${way}`, { cause: thrown });
    });
  return network;
}

interface Known extends PlannedProblem {
  readonly name: string;
  readonly version: string;
}

async function problemsAt(
  connection: Connection,
  client: Client,
  places: readonly Address[],
): Promise<readonly Known[]> {
  const askers = places.length === 0 ? [client] : places.map((address) => connection.client([address]));
  const replies = await Promise.all(
    askers.map((asker) =>
      asker.request(IslandHost.method.problems, {}, { ttlMs: ASK_MS, withinMs: ASK_MS }).catch(() => undefined),
    ),
  );
  return replies.flatMap((reply) =>
    (reply?.value.problems ?? []).map((each) => ({
      ...spaceOfServed(each),
      name: each.name,
      version: reply?.version ?? "",
    })),
  );
}

function servedBy(known: readonly Known[], name: string): Known {
  const own = known.filter((each) => each.name === name);
  const [first] = own;
  if (first === undefined) {
    const names = [...new Set(known.map((each) => each.name))];
    const there = names.length === 0 ? "it has none by a name" : `it has ${names.join(", ")}`;
    throw new UsageError(`the node hosts no problem '${name}'${didYouMean(name, names) || `; ${there}`}`);
  }
  const other = own.find(({ version }) => version !== first.version);
  if (other !== undefined) {
    throw new Fault(
      "denied",
      `'${name}' is there in versions ${first.version} and ${other.version}; wait until every node has the newer one, or take the older one's nodes out`,
    );
  }
  return first;
}
