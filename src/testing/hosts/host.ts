// One simulated computer: a disk, processes, memory, CPUs, datagrams and a name on the network. Its power may fail.

import type { Datagrams } from "../../base/datagrams.ts";
import type { Resources } from "../../base/resources.ts";
import type { MemoryNetwork } from "../../transports/memory/memory-network.ts";
import type { Transport } from "../../transports/transport.ts";
import type { DatagramNetwork } from "../datagram-network.ts";
import type { HostProcess } from "./host-process.ts";
import { type HostAddresses, hostTransport } from "./host-transport.ts";
import { ProcessTable, type TableParts } from "./process-table.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

export interface HostPlan {
  /** Of letters, digits and dashes. */
  readonly name: string;
  /** Default 2. */
  readonly cpus?: number;
  /** Default 4 GiB. */
  readonly memoryBytes?: number;
}

export interface HostParts extends Omit<TableParts, "host"> {
  readonly network: MemoryNetwork;
  readonly datagrams: DatagramNetwork;
  readonly addresses: HostAddresses;
  /** Its IP address. */
  readonly ip: string;
}

export class Host {
  readonly name: string;
  readonly ip: string;
  readonly disk: SimulatedDisk;
  readonly table: ProcessTable;
  readonly #plan: HostPlan;
  readonly #parts: HostParts;
  #hasPower = true;

  constructor(plan: HostPlan, parts: HostParts) {
    const { clock, random, ended, network, datagrams } = parts;
    this.name = plan.name;
    this.ip = parts.ip;
    this.#plan = plan;
    this.#parts = parts;
    this.disk = new SimulatedDisk(clock, random.fork());
    this.table = new ProcessTable({
      ...parts,
      ...{ random: random.fork(), host: plan.name },
      ended: (process, exit) => {
        network.crash(process.sim);
        datagrams.crash(process.sim);
        ended(process, exit);
      },
    });
  }

  get hasPower(): boolean {
    return this.#hasPower;
  }

  readonly resources: Resources = {
    available: () => ({
      cpus: this.#plan.cpus ?? 2,
      memoryBytes: this.#plan.memoryBytes ?? 4 * 2 ** 30,
    }),
    memoryOf: (pid) => {
      const process = this.table.get(pid);
      const bytes = process?.memoryBytes;
      return Promise.resolve(bytes === undefined ? undefined : { residentBytes: bytes, proportionalBytes: bytes });
    },
    processorMsOf: () => Promise.resolve(undefined),
  };

  /** `shows`: by what name others know it over TLS. */
  transport(process: HostProcess, shows?: string): Transport {
    return hostTransport(this.#parts.network, process.sim, this.#parts.addresses, shows);
  }

  datagramsOf(process: HostProcess): Datagrams {
    return this.#parts.datagrams.host(this.ip, process.sim);
  }

  /** Everything in it stops without a word; the others hear nothing from it any more. */
  losePower(): void {
    if (!this.#hasPower) return;
    this.#hasPower = false;
    this.table.losePower();
    this.disk.losePower();
  }

  getPower(): void {
    this.#hasPower = true;
  }
}
