// What the keeper tells the process of a governor, as one JSON argument.

import { fileURLToPath } from "node:url";
import type { DatagramAddress } from "../../base/datagrams.ts";
import type { LogLevel } from "../../base/log.ts";
import type { LimitsChange } from "../../capacity/limits.ts";
import type { ContainerStart } from "../../governor/fleet-settings.ts";
import type { PluginFile } from "../../node/load-plugins.ts";
import type { Address } from "../../transports/transport.ts";
import type { MachineStart } from "../machine/machine-plan.ts";
import type { TlsFiles } from "../tls-files.ts";

export interface GovernorStart {
  /** The node's id: the same for every governor of a run folder. */
  readonly id: string;
  /** Absolute: sockets and records. */
  readonly run: string;
  /** Absolute: the containers' logs. */
  readonly logs: string;
  /** Absolute: the components; empty where only programs are served. */
  readonly folder: string;
  /** Where its door listens beside `ipc://RUN/door.sock`. */
  readonly listen: readonly Address[];
  /** Left out: the node runs alone. */
  readonly network?: NetworkStart;
  /** Files, so that no key is in an argument that others could see. */
  readonly tls?: TlsFiles;
  readonly limits: LimitsChange;
  readonly graceMs: number;
  /** See GovernorSettings. */
  readonly idleMs?: number;
  /** What extends the governor and its containers. */
  readonly plugins?: readonly PluginFile[];
  /** The machine it is a node of; `folder`, absolute, is where the node keeps what it knows of it. */
  readonly machine?: MachineStart;
  /** How often the keeper has started one before. */
  readonly restarts: number;
  /** When the process with this id is gone, the node is drained. */
  readonly keeper: { readonly pid: number; readonly startTime: string };
  readonly log: LogLevel;
}

export interface NetworkStart {
  /** Where gossip is heard. */
  readonly gossip: DatagramAddress;
  /** By what other nodes reach this one, where that is not where it listens: as it was written, and its address for gossip. */
  readonly advertise?: { readonly host: string; readonly ip: string };
  /** HOST:PORT of other nodes. */
  readonly seeds: readonly string[];
  /** Where each container listens for other computers, the port left to the system. */
  readonly containers: Address;
  /** The multicast group where nodes say that they are there. */
  readonly beacon?: DatagramAddress;
  readonly keyFile?: string;
}

/** What a governor tells the process of its machine's gateway. */
export interface GatewayStart {
  /** Of the node that keeps it. */
  readonly node: string;
  /** This machine's id. */
  readonly machine: string;
  /** Absolute: sockets. */
  readonly run: string;
  /** HOST:PORT where other computers reach the node; left out where none do. */
  readonly open?: string;
  readonly keeper: GovernorStart["keeper"];
  readonly log: LogLevel;
}

/** What a governor tells the process of a container. */
export interface ContainerProcessStart extends ContainerStart {
  readonly plugins: readonly PluginFile[];
  readonly log: LogLevel;
}

/** Of Node, for each of the programs below: they find Unum's own modules without the disk. */
export const QUICKLY: readonly string[] = ["--import", new URL("../../node/quick-resolve.ts", import.meta.url).href];

export const GOVERNOR_PROGRAM = fileURLToPath(new URL("./governor.ts", import.meta.url));
export const CELL_PROGRAM = fileURLToPath(new URL("./cell.ts", import.meta.url));
export const NATIVE_CELL_PROGRAM = fileURLToPath(new URL("./native-cell.ts", import.meta.url));
export const WASM_CELL_PROGRAM = fileURLToPath(new URL("./wasm-cell.ts", import.meta.url));
export const GATEWAY_PROGRAM = fileURLToPath(new URL("./gateway.ts", import.meta.url));
export const CONTAINER_PROGRAM = fileURLToPath(new URL("./container.ts", import.meta.url));
