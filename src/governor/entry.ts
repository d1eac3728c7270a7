// A node in a directory, and the same node as gossip tells it: each from the other.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Limits } from "../capacity/limits.ts";
import type { Member } from "../discovery/members.ts";
import {
  ContainerState,
  type DirectoryNode,
  DirectoryNodeSchema,
} from "../messages/gen/unum/control/v1/governed_pb.ts";
import { type EntrySchema, NodeState } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { LimitClaim } from "./peers.ts";

const STATES = { alive: NodeState.ALIVE, suspect: NodeState.SUSPECT, dead: NodeState.DEAD, left: NodeState.LEFT };

/** What others are to know of this node. Only containers that take calls are told. */
export function entryOf(
  own: DirectoryNode,
  { limits, unum, limit }: { readonly limits: Limits; readonly unum: string; readonly limit: LimitClaim },
): MessageInitShape<typeof EntrySchema> {
  const { host, offers, spares, startable, spareMs, newMs, machine } = own;
  const ready = own.containers.filter(({ state }) => state === ContainerState.READY);
  const containers = ready.map(({ id, addresses, components, load, beyond, owner, epoch }) => ({
    ...{ id, addresses, beyond, owner, epoch },
    components: components.map(({ contract, version, concurrency }) => ({ contract, version, concurrency })),
    ...{ waiting: load?.waiting ?? 0, running: load?.running ?? 0, free: load?.free ?? 0 },
  }));
  const { containers: most, memoryBytes } = limits.node;
  return {
    ...{ containers, host, unum, spares, startable, machine },
    offers: offers.map(({ contract, version }) => ({ contract, version })),
    limits: { containers: most, memoryMb: Math.min(2 ** 32 - 1, Math.round(memoryBytes / 2 ** 20)) },
    ...(limit.told === undefined ? {} : { networkLimit: limit.told, claim: limit.claim }),
    // Told roughly: what took 3 ms longer this time is no news.
    ...{ spareMs: rounded(spareMs), newMs: rounded(newMs) },
  };
}

/** Another node, as this one's containers are told of it. Undefined where it cannot be called. */
export function nodeOf({ id, state, doors, entry }: Member): DirectoryNode | undefined {
  if (entry === undefined || state === "dead" || state === "left") return undefined;
  const { host, offers, spares, startable, spareMs, newMs, machine } = entry;
  const containers = entry.containers.map(({ id: name, waiting, running, free, components, ...rest }) => ({
    ...{ id: name, addresses: rest.addresses, beyond: rest.beyond, owner: rest.owner, epoch: rest.epoch },
    ...{ state: ContainerState.READY, load: { waiting, running, free } },
    components: components.map(({ contract, version, concurrency }) => ({ contract, version, concurrency })),
  }));
  return create(DirectoryNodeSchema, {
    ...{ id, host, doors: [...doors], containers, spares, startable, spareMs, newMs, state: STATES[state], machine },
    offers: offers.map(({ contract, version }) => ({ contract, version })),
  });
}

/** To one digit. */
function rounded(ms: number): number {
  if (ms <= 0) return 0;
  const step = 10 ** Math.floor(Math.log10(ms));
  return Math.ceil(ms / step) * step;
}
