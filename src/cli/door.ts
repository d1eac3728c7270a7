// The way from a command to a node: its door, by default that of this working folder.

import type { DescService } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { sleep } from "../base/clock.ts";
import type { Env } from "../base/env.ts";
import { Fault } from "../base/fault.ts";
import { newClient, type Proxies } from "../client/client.ts";
import type { CallOptions } from "../client/options.ts";
import { type Meant, signing } from "../machine/privileges/signed-command.ts";
import { Node, type NodeStatus } from "../messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import { systemEnv } from "../system/env.ts";
import { systemProcesses } from "../system/processes.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { zmtpTransport } from "../transports/zmtp/index.ts";
import { addressOf } from "./connection.ts";
import { type KeeperRecord, livingKeeper } from "./keeper-lock.ts";
import { ownKey } from "./machine/key-folder.ts";
import { ownDoor } from "./run-folder.ts";
import { addTlsOptions, readTlsFiles, type TlsFiles } from "./tls-files.ts";

export interface DoorOptions extends TlsFiles {
  readonly to?: string;
}

type NodeCalls = Proxies<typeof Node>;

export interface Door {
  readonly env: Env;
  readonly address: Address;
  /** Whether it is that of this working folder: its processes and files are here. */
  readonly isOwn: boolean;
  /** Of the own node; undefined where none lives. */
  keeper(): KeeperRecord | undefined;
  status(options?: CallOptions): Promise<NodeStatus>;
  /** Any other call. Waits a while for a governor that is being started again. Rejects with a Fault that says what to do. */
  ask<T>(call: (node: NodeCalls, options: CallOptions) => Promise<T>, options?: CallOptions): Promise<T>;
  /** The same for another contract of the control plane. */
  askOf<S extends DescService, T>(
    contract: S,
    call: (proxies: Proxies<S>, options: CallOptions) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
  close(): Promise<void>;
}

const ASK_TTL_MS = 5_000;
/** How long a governor whose keeper lives may take to be there again. */
const RESTART_MS = 5_000;
const AGAIN_MS = 100;

export function addDoorOptions(command: Command): Command {
  return addTlsOptions(
    command.option("--to <door>", "a node's door, as 'unum up' prints it (default: that of this working folder)"),
  );
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const env = systemEnv();
  const tls = await readTlsFiles(options);
  const own = ownDoor();
  const address = options.to === undefined ? own : addressOf(options.to);
  const isOwn = address === own;
  const bare = zmtpTransport({ env, ...(tls === undefined ? {} : { tls }) });
  // What needs a role is signed with the operator's key; at a socket of this computer that is its owner's to do.
  const transport = address.startsWith("ipc:") ? bare : signingAt(address, bare, env);
  const client = newClient({ env, transports: [transport], to: [address] });
  const processes = systemProcesses(env.clock);
  const keeper = () => (isOwn ? livingKeeper(processes) : undefined);
  const askOf: Door["askOf"] = async (contract, call, callOptions = {}) => {
    const proxies = client.of(contract);
    const asked = { ttlMs: ASK_TTL_MS, ...callOptions };
    const until = env.clock.now() + Math.min(RESTART_MS, asked.ttlMs);
    for (;;) {
      try {
        return await call(proxies, asked);
      } catch (error) {
        if (!(error instanceof Fault && error.code === "undeliverable")) throw error;
        const kept = keeper();
        if (kept === undefined || env.clock.now() >= until) throw absent(address, isOwn, kept, error);
      }
      await sleep(env.clock, AGAIN_MS, asked.signal).catch(() => {
        throw new Fault("cancelled", "the question was withdrawn");
      });
    }
  };
  const ask: Door["ask"] = (call, callOptions) => askOf(Node, call, callOptions);
  return {
    env,
    address,
    isOwn,
    keeper,
    askOf,
    status: (callOptions) => ask((calls, asked) => calls.status({}, asked), callOptions),
    ask,
    close: () => transport.close(),
  };
}

function signingAt(address: Address, bare: Transport, env: Env): Transport {
  const machine = newClient({ env, transports: [bare], to: [address] }).of(Machine);
  let meant: Promise<Meant | undefined> | undefined;
  return signing(bare, {
    ...{ clock: env.clock, random: env.random },
    key: async () => (await ownKey()).key,
    meant: () => {
      meant ??= machine.head({ name: "" }, { ttlMs: ASK_TTL_MS }).then(
        (head) => (head.guarded ? head : undefined),
        (error) => {
          meant = undefined;
          // No part of a machine: nobody there asks for a key.
          if (error instanceof Fault && error.code === "not-found") return undefined;
          throw error;
        },
      );
      return meant;
    },
  });
}

/** Closes the door after its use, however that ends. */
export async function withDoor(options: DoorOptions, use: (door: Door) => Promise<number>): Promise<number> {
  const door = await openDoor(options);
  try {
    return await use(door);
  } finally {
    await door.close();
  }
}

/** As --help shows them. */
export const DOOR_EXIT_CODES = `
Exit codes:
  0    ok
  2    usage: wrong arguments
  3    unreachable: no node answers at the door
  4    refused: the key has not the role that it needs
  5    no answer in time`;

function absent(address: Address, isOwn: boolean, keeper: KeeperRecord | undefined, cause: Fault): Fault {
  if (!isOwn) return new Fault("undeliverable", `no node answers at ${address}; ${cause.message}`, { cause });
  return new Fault(
    "undeliverable",
    keeper === undefined
      ? `no node runs here: nobody answers at ${address}; start one with 'unum up', or say where with --to DOOR`
      : `the node's governor does not answer, though its keeper (process ${keeper.pid}) runs; 'unum logs governor' says why`,
    { cause },
  );
}
