// What a node of a machine of several computers starts with: its certificate, the gossip key, where it lets others in.
//
//   --open HOST:PORT ──▶ door and gossip at HOST:PORT, by mutual TLS; at a controller, joining at PORT + 1

import { isLoopback, readAddress } from "../../base/datagrams.ts";
import { systemClock } from "../../system/clock.ts";
import { systemProcesses } from "../../system/processes.ts";
import { systemRandom } from "../../system/random.ts";
import { livingKeeper } from "../keeper-lock.ts";
import type { NetworkFlags } from "../up/network-plan.ts";
import { nodeIdOf } from "../up/node-id.ts";
import { UsageError } from "../usage.ts";
import { controllerIdentity, identityFiles, readIdentity, settleRenewals } from "./identity-folder.ts";
import { type MachineFile, machineFolder, machineOfThisFolder, writeMachineFile } from "./machine-file.ts";

/** What the governor's process is told. */
export interface MachineStart extends MachineFile {
  /** Absolute: where the node keeps what it knows of the machine. */
  readonly folder: string;
  /** Where it lets others in; only at a controller. */
  readonly joins?: { readonly host: string; readonly port: number };
}

export interface MachinePlan {
  readonly machine: MachineStart;
  /** A controller that lets others in from now on. */
  readonly opensFirst: boolean;
  /** In place of what the command line said of the network. */
  readonly network: NetworkFlags;
}

/** The run folder exists. Throws a UsageError. */
export async function machinePlanOf(
  flags: NetworkFlags & { readonly open?: string },
  run: string,
): Promise<MachinePlan> {
  const random = systemRandom();
  const file = await machineOfThisFolder(random);
  const open = flags.open ?? file.open;
  const machine = { ...file, folder: machineFolder() };
  if (open === undefined) return { machine, opensFirst: false, network: flags };
  const { host, port } = placeOf(open);
  if (flags.advertise !== undefined) {
    throw new UsageError(
      `--advertise ${flags.advertise}: this machine is open at ${open}, which is where others reach this node; leave --advertise out`,
    );
  }
  if (flags.tlsKey !== undefined || flags.gossipKey !== undefined) {
    throw new UsageError(
      "--open brings the machine's own certificates and gossip key; leave --tls-… and --gossip-key out",
    );
  }
  const node = nodeIdOf(run, random);
  // A clock that people read: certificates are bound to it.
  const wanted = {
    machine: file.machine,
    node,
    hosts: isLoopback(host) ? [host, "localhost"] : [host],
    now: Date.now(),
  };
  await settleRenewals();
  const files = file.controller ? await controllerIdentity(wanted) : identityFiles();
  if ((await readIdentity("node.crt")) === undefined) {
    throw new UsageError("this node has no certificate of its machine; 'unum join' gets it one");
  }
  // The node that runs here already is open where it is; this one will be refused.
  if (livingKeeper(systemProcesses(systemClock())) === undefined) await writeMachineFile({ ...file, open });
  const seeds = flags.seeds ?? file.seeds ?? [];
  return {
    opensFirst: file.controller && file.open === undefined,
    machine: { ...machine, open, ...(file.controller ? { joins: { host, port: port + 1 } } : {}) },
    network: { ...flags, ...files, listen: [open, ...(flags.listen ?? [])], seeds },
  };
}

function placeOf(text: string): { host: string; port: number } {
  const at = readAddress(text);
  if (at === undefined || at.port > 65_534) throw new UsageError(`'${text}' is not HOST:PORT, as 10.0.0.1:7000`);
  return at;
}
