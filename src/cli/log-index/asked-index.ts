// Which index a question is asked of: that of a running machine, on all its nodes, or the one in this folder.

import type { Command } from "commander";
import type { Env } from "../../base/env.ts";
import type { NodeEntry } from "../../capacity/directory.ts";
import { reachable } from "../../capacity/reach.ts";
import type { Index } from "../../log-index/find/index.ts";
import { LogIndex } from "../../log-index/gen/unum/logs/v1/log_index_pb.ts";
import { type IndexNode, NodesIndex } from "../../log-index/machine/nodes-index.ts";
import { type Connection, connect } from "../connection.ts";
import { repeatable } from "../options.ts";
import { liveSockets, ownDoor, runFolder } from "../run-folder.ts";
import type { Terminal } from "../terminal.ts";
import { addTlsOptions, type TlsFiles } from "../tls-files.ts";
import { UsageError } from "../usage.ts";
import { openIndex, type PlaceFlags } from "./home.ts";
import { counted } from "./numbers.ts";

export interface AskedFlags extends PlaceFlags, TlsFiles {
  readonly on?: readonly string[];
  readonly here?: boolean;
  readonly asleep?: boolean;
}

export interface AskedIndex {
  readonly index: Index;
  /** As ", on 2 nodes"; empty where it is this folder's. */
  readonly where: string;
  close(): Promise<void>;
}

export function addAskedOptions(command: Command): Command {
  const on =
    "ask all nodes of the machine with a door at this address, or a container there (default: the node of this folder, where one runs that serves the log index)";
  return addTlsOptions(
    command
      .addOption(repeatable("--on <address>", on))
      .option("--here", "ask the index of this folder, whatever machine runs"),
  );
}

/** Awake, unless it is to be asked asleep. */
export async function openAsked(flags: AskedFlags, env: Env, terminal: Terminal): Promise<AskedIndex> {
  const machine = await machineIndex(flags, env);
  if (machine !== undefined) return machine;
  const index = openIndex(flags, env, terminal);
  if (flags.asleep !== true) await index.wakeUp().catch(() => {});
  return { index, where: "", close: async () => index.sleep() };
}

async function machineIndex(flags: AskedFlags, { network }: Env): Promise<AskedIndex | undefined> {
  const { on } = flags;
  const isLocal = flags.here || flags.asleep || flags.index !== undefined || flags.in !== undefined;
  if (isLocal && on !== undefined)
    throw new UsageError("--on asks a machine; --here, --asleep, --index and --in are about the index of this folder");
  if (isLocal) return undefined;
  if (on === undefined && !(await liveSockets(runFolder(), network)).includes(ownDoor())) return undefined;
  const { tlsKey, tlsCert, tlsCa, tlsName } = flags;
  const connection = await connect({ ...definedOf({ tlsKey, tlsCert, tlsCa, tlsName }), to: on ?? [ownDoor()] });
  const nodes = nodesOf(connection);
  if (nodes.length > 0) {
    const index = new NodesIndex(nodes);
    await index.wakeUp();
    return { index, where: `, on ${counted(nodes.length, "node")}`, close: () => connection.close() };
  }
  await connection.close();
  if (on === undefined) return undefined;
  throw new UsageError(
    `no node of the machine at ${on.join(", ")} serves ${LogIndex.typeName}; load it as examples/08-log-index/README.md says`,
  );
}

function definedOf(files: { readonly [name in keyof TlsFiles]: string | undefined }): TlsFiles {
  // Only what has a value is left, so that no property is there with undefined.
  return Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined)) as TlsFiles;
}

/** Containers that were named are asked as they are; of a machine, every node that has the log index. */
function nodesOf(connection: Connection): IndexNode[] {
  const { node, addresses } = connection;
  if (node === undefined) return addresses.map((address) => ({ name: address, calls: connection.client([address]) }));
  const [own] = node.nodes();
  return node
    .nodes()
    .filter((entry) => [...entry.offers, ...entry.containers.flatMap(({ components }) => components)].some(isLogIndex))
    .map((entry) => ({ name: entry.id, calls: connection.client(addressesOf(entry, own)) }));
}

function isLogIndex({ contract }: { readonly contract: string }): boolean {
  return contract === LogIndex.typeName;
}

/** One of each container that serves it; where none can be reached from here, one that says so when it is called. */
function addressesOf({ id, host, containers, doors }: NodeEntry, own: NodeEntry | undefined): readonly string[] {
  const serving = containers.filter(({ state, components }) => state === "ready" && components.some(isLogIndex));
  const to = { home: id === own?.id, ...(host === undefined ? {} : { host }) };
  const from = own?.host === undefined ? {} : { host: own.host };
  const reached = serving.flatMap(({ addresses }) => reachable(addresses, to, from).slice(0, 1));
  return reached.length > 0 ? reached : [...serving.flatMap(({ addresses }) => addresses), ...doors].slice(0, 1);
}
