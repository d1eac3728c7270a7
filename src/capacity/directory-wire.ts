// A directory as it travels between governors, containers and clients.

import { ContainerState, type DirectoryNode } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { NodeState } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { ContainerEntry, NodeEntry } from "./directory.ts";

const STATES: Readonly<Record<ContainerState, ContainerEntry["state"]>> = {
  [ContainerState.READY]: "ready",
  [ContainerState.SUSPECTED]: "suspected",
  [ContainerState.DRAINING]: "draining",
};

export function nodeEntryOf({
  id,
  doors,
  containers,
  offers,
  spares,
  startable,
  spareMs,
  newMs,
  host,
  state,
  machine,
}: DirectoryNode): NodeEntry {
  return {
    id,
    host,
    state: state === NodeState.ALIVE ? "alive" : "suspected",
    doors,
    ...(machine ? { machine } : {}),
    containers: containers.map(({ load, state, beyond, ...container }) => ({
      ...container,
      ...(beyond === "" ? {} : { beyond }),
      // A state of a newer governor is one not to call.
      state: STATES[state] ?? "draining",
      running: load?.running ?? 0,
      waiting: load?.waiting ?? 0,
      free: load?.free ?? 0,
    })),
    offers,
    spares,
    startable,
    ...(spareMs > 0 ? { spareMs } : {}),
    ...(newMs > 0 ? { newMs } : {}),
  };
}
