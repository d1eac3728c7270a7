// The way from a command to containers: which addresses, over which transport.

import type { Command } from "commander";
import type { Env } from "../base/env.ts";
import { Fault } from "../base/fault.ts";
import { type Client, newClient } from "../client/client.ts";
import { type NodeClient, newNodeClient } from "../client/node-client.ts";
import { pluginsOf } from "../node/load-plugins.ts";
import { sealing } from "../plugins/seal.ts";
import { systemEnv } from "../system/env.ts";
import { serveText } from "../system/text-service.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { zmtpTransport } from "../transports/zmtp/index.ts";
import { ownTls } from "./machine/identity-folder.ts";
import { repeatable } from "./options.ts";
import { type PluginFlags, pluginFilesOf } from "./plugin-options.ts";
import { liveSockets, ownDoor, runFolder } from "./run-folder.ts";
import { addTlsOptions, readTlsFiles, type TlsFiles } from "./tls-files.ts";
import { UsageError } from "./usage.ts";

export interface ToOptions extends TlsFiles, Pick<PluginFlags, "plugin"> {
  readonly to?: readonly string[];
}

export interface Connection {
  readonly env: Env;
  /** Of containers. */
  readonly addresses: readonly Address[];
  /** Where a node's door was given or found: a client that is placed by its directory. Closed with the connection. */
  readonly node: NodeClient | undefined;
  /** A client for some of them. It is closed by closing the connection. */
  client(addresses: readonly Address[]): Client;
  close(): Promise<void>;
}

export function addToOptions(command: Command): Command {
  const to = "where a container or a node's door listens (default: the node or the one container of this folder)";
  return addTlsOptions(command.addOption(repeatable("--to <address>", to)));
}

export async function connect(options: ToOptions): Promise<Connection> {
  const env = systemEnv();
  const tls = (await readTlsFiles(options)) ?? (await ownTls());
  const given = [...new Set((options.to ?? [await nodeOrOnlySocket(env)]).map(addressOf))];
  const { seal } = await clientPlugins(options, env);
  const newTransport = (): Transport => {
    const bare = zmtpTransport({ env, ...(tls === undefined ? {} : { tls }) });
    return seal === undefined ? bare : sealing(bare, seal);
  };
  const transport = newTransport();
  const reaches = (address: Address) => tls !== undefined || !address.startsWith("tls:");
  const node = await nodeAt(given, env, newTransport, reaches);
  return {
    env,
    addresses: node === undefined ? given : containersOf(node),
    node,
    client: (to) => newClient({ env, transports: [transport], to }),
    close: async () => {
      await Promise.all([transport.close(), node?.close()]);
    },
  };
}

/** Those that a caller has a use for. Rejects with the Fault `invalid` where one cannot be used. */
function clientPlugins({ plugin = [] }: ToOptions, env: Env) {
  return pluginsOf(pluginFilesOf({ plugin }), {
    ...{ env, where: "client", node: "", container: "", serveText },
    needed: () => true,
    say: (text) => env.log.write("error", text),
  });
}

/** A client of the node whose door is among the addresses; undefined where all are containers, or nobody answers. */
async function nodeAt(
  seeds: readonly Address[],
  env: Env,
  transport: () => Transport,
  reaches: (address: Address) => boolean,
): Promise<NodeClient | undefined> {
  try {
    return await newNodeClient({ env, transports: [transport()], seeds, reaches, withinMs: 0 });
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** One address of each container that takes calls, the nearest where it has several. */
function containersOf(node: NodeClient): readonly Address[] {
  return node
    .nodes()
    .flatMap(({ containers }) =>
      containers.filter(({ state }) => state === "ready").flatMap(({ addresses }) => addresses.slice(0, 1)),
    );
}

/** An address as it was given; the path of a socket counts as one. Throws a UsageError where it is of no known kind. */
export function addressOf(text: string): Address {
  if (/^(?:ipc|tcp|tls):\/\/./.test(text)) return text;
  if (text.startsWith("/")) return `ipc://${text}`;
  throw new UsageError(
    `'${text}' is not an address; write it as ipc:///PATH, tcp://127.0.0.1:PORT or tls://HOST:PORT, as 'unum serve' prints it`,
  );
}

async function nodeOrOnlySocket({ network }: Env): Promise<Address> {
  const folder = runFolder();
  const live = await liveSockets(folder, network);
  const door = live.find((address) => address === ownDoor());
  if (door !== undefined) return door;
  const [only] = live;
  if (only !== undefined && live.length === 1) return only;
  const rows = live.map((address) => `\n  --to ${address}`).join("");
  throw new UsageError(
    only === undefined
      ? `no node and no container listens in ${folder}; start one with 'unum up --components FOLDER' or 'unum serve FOLDER --listen ipc', or say where with --to ADDRESS`
      : `${live.length} containers listen in ${folder}; say which with --to:${rows}`,
  );
}
