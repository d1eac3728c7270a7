// How much may run: per container, per node and over the network, as data that may change while it runs.

import { Fault } from "../base/fault.ts";

export interface ContainerLimits {
  /** Calls that may wait; further ones are refused with `overloaded`. */
  readonly inbox: number;
  /** One that uses more is drained and replaced. */
  readonly memoryBytes: number;
  /** Calls worked on at a time by contract, in place of what the component says. */
  readonly concurrency: Readonly<Record<string, number>>;
}

export interface NodeLimits {
  /** Containers that run or start, spares included. */
  readonly containers: number;
  /** All of them together. */
  readonly memoryBytes: number;
  /** Warm containers kept in reserve, as far as `containers` allows. */
  readonly spares: number;
}

export interface NetworkLimits {
  /** Containers over all nodes; undefined: no limit but the nodes' own. Shared out by shares.ts. */
  readonly containers: number | undefined;
}

/** Of the durable messages that are kept for, or came from, one other node. Lowered, it takes away none that is there. */
export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
}

export interface Limits {
  readonly container: ContainerLimits;
  readonly node: NodeLimits;
  readonly network: NetworkLimits;
  readonly outbox: OutboxLimits;
}

/** Of each container of one program, its cells included; 0: none but the node's. */
export interface ProgramLimits {
  readonly memoryBytes: number;
  /** Of one processor, in thousandths, as a mean. */
  readonly cpuPermille: number;
}

export const NO_PROGRAM_LIMITS: ProgramLimits = { memoryBytes: 0, cpuPermille: 0 };

/** `null` goes back to the default; what is left out stays. */
type Changed<T> = { readonly [K in keyof T]?: T[K] | null };

export interface LimitsChange {
  readonly container?: Changed<Omit<ContainerLimits, "concurrency">> & {
    readonly concurrency?: Readonly<Record<string, number | null>>;
  };
  readonly node?: Changed<NodeLimits>;
  readonly network?: { readonly containers?: number | null };
  readonly outbox?: Changed<OutboxLimits>;
}

const MIB = 2 ** 20;

/** A container needs this much before any component is in it. */
export const LEAST_CONTAINER_BYTES = 64 * MIB;

/** A node leaves this part of its memory to what else runs there. */
const NODE_PART_OF_MEMORY = 0.8;

/** What holds where nobody said otherwise. `cpus` may be a fraction, where a quota says so. */
export function defaultLimits(available: { readonly cpus: number; readonly memoryBytes: number }): Limits {
  const containers = Math.max(1, Math.ceil(2 * available.cpus));
  const memoryBytes = Math.max(LEAST_CONTAINER_BYTES, Math.floor(available.memoryBytes * NODE_PART_OF_MEMORY));
  return {
    // Half of the node's: one alone cannot take it all, and a few large ones still fit.
    container: {
      inbox: 1_024,
      memoryBytes: Math.max(LEAST_CONTAINER_BYTES, Math.floor(memoryBytes / 2)),
      concurrency: {},
    },
    node: { containers, memoryBytes, spares: containers > 1 ? 1 : 0 },
    network: { containers: undefined },
    outbox: { messages: 100_000, bytes: 64 * MIB },
  };
}

/** Throws the Fault `invalid` where the result contradicts itself or a value is out of its range; nothing is changed then. */
export function changeLimits(present: Limits, change: LimitsChange, defaults: Limits): Limits {
  const changed: Limits = {
    container: {
      inbox: pick(change.container?.inbox, present.container.inbox, defaults.container.inbox),
      memoryBytes: pick(change.container?.memoryBytes, present.container.memoryBytes, defaults.container.memoryBytes),
      concurrency: concurrencies(present.container.concurrency, change.container?.concurrency ?? {}),
    },
    node: {
      containers: pick(change.node?.containers, present.node.containers, defaults.node.containers),
      memoryBytes: pick(change.node?.memoryBytes, present.node.memoryBytes, defaults.node.memoryBytes),
      spares: pick(change.node?.spares, present.node.spares, defaults.node.spares),
    },
    network: { containers: pick(change.network?.containers, present.network.containers, defaults.network.containers) },
    outbox: {
      messages: pick(change.outbox?.messages, present.outbox.messages, defaults.outbox.messages),
      bytes: pick(change.outbox?.bytes, present.outbox.bytes, defaults.outbox.bytes),
    },
  };
  checkLimits(changed);
  return changed;
}

/** How many containers this node may have: its own limit, and its share of the network's where that is shared out. */
export function containersAllowed(limits: Limits, share: number | undefined): number {
  return share === undefined ? limits.node.containers : Math.min(limits.node.containers, share);
}

/** Throws the Fault `invalid` for the first thing that is wrong. */
export function checkLimits({ container, node, network, outbox }: Limits): void {
  whole("container.inbox", container.inbox, 1, 1_000_000);
  whole("container.memoryBytes", container.memoryBytes, LEAST_CONTAINER_BYTES, MOST_BYTES);
  for (const [contract, calls] of Object.entries(container.concurrency)) {
    whole(`container.concurrency of ${contract}`, calls, 1, 65_536);
  }
  whole("node.containers", node.containers, 0, 10_000);
  whole("node.memoryBytes", node.memoryBytes, LEAST_CONTAINER_BYTES, MOST_BYTES);
  whole("node.spares", node.spares, 0, 1_000);
  if (network.containers !== undefined) whole("network.containers", network.containers, 0, 10_000_000);
  whole("outbox.messages", outbox.messages, 1, 10_000_000);
  whole("outbox.bytes", outbox.bytes, 1_024, MOST_BYTES);
  if (node.spares > node.containers) {
    throw new Fault(
      "invalid",
      `node.spares ${node.spares} is above node.containers ${node.containers}, which counts them; lower the one or raise the other`,
    );
  }
  if (container.memoryBytes > node.memoryBytes) {
    throw new Fault(
      "invalid",
      `container.memoryBytes ${container.memoryBytes} is above node.memoryBytes ${node.memoryBytes}, which one container would then take alone; lower the one or raise the other`,
    );
  }
}

/** Throws the Fault `invalid` for the first thing that makes no sense. */
export function checkProgramLimits({ memoryBytes, cpuPermille }: ProgramLimits): void {
  if (memoryBytes !== 0) whole("memory", memoryBytes, LEAST_CONTAINER_BYTES, MOST_BYTES);
  if (cpuPermille === 0 || (cpuPermille >= LEAST_PERMILLE && cpuPermille <= MOST_PERMILLE)) return;
  const [least, most] = [LEAST_PERMILLE / 1_000, MOST_PERMILLE / 1_000];
  throw new Fault("invalid", `processors ${cpuPermille / 1_000} is not from ${least} to ${most}`);
}

const MOST_BYTES = 2 ** 50;
/** With less nothing would come to serve in time. */
const LEAST_PERMILLE = 100;
const MOST_PERMILLE = 1_024_000;

function whole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new Fault("invalid", `${name} ${value} is not a whole number from ${least} to ${most}`);
}

function pick<T>(changed: T | null | undefined, present: T, byDefault: T): T {
  if (changed === undefined) return present;
  return changed === null ? byDefault : changed;
}

function concurrencies(
  present: Readonly<Record<string, number>>,
  change: Readonly<Record<string, number | null>>,
): Readonly<Record<string, number>> {
  const all = { ...present, ...change };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== null));
}
