// What a run knows of the containers that work for it without being its own: how much they work on at one time, and how to come by more.

import type { Clock } from "../../base/clock.ts";
import type { NodeEntry } from "../../capacity/directory.ts";
import type { Client } from "../../client/client.ts";
import type { NodeClient } from "../../client/node-client.ts";
import type { Capacity } from "../../flows/index.ts";
import { Node } from "../../messages/gen/unum/control/v1/node_pb.ts";

export interface DescribedContainer {
  readonly components: readonly { readonly contract: string; readonly concurrency: number }[];
}

export interface CapacityParts {
  readonly clock: Clock;
  /** Undefined: containers that were given one by one. */
  readonly node: Pick<NodeClient, "nodes"> | undefined;
  readonly described: readonly DescribedContainer[];
  /** Of the node's door. */
  readonly door: Pick<Client, "call">;
}

/** A node is asked for more at most so often. */
const ASK_EVERY_MS = 500;
/** After it has said that there is no more. */
const REFUSED_MS = 5_000;
const WITHIN_MS = 5_000;
/** Of a component that nobody has described yet. */
const UNKNOWN_CONCURRENCY = 4;

export function nodeCapacity({ clock, node, described, door }: CapacityParts): Capacity {
  const concurrency = new Map(
    described.flatMap(({ components }) => components.map((each) => [each.contract, each.concurrency])),
  );
  const nextAsk = new Map<string, number>();
  let directory: readonly NodeEntry[] | undefined;
  let serving = countedBy(described);
  const servingNow = (contract: string) => {
    // Asked at every turn of the router: counted once for each directory that comes.
    if (node !== undefined && directory !== node.nodes()) {
      directory = node.nodes();
      serving = countedBy(directory.flatMap(({ containers }) => containers.filter(({ state }) => state === "ready")));
    }
    return serving.get(contract) ?? 0;
  };
  return {
    clock,
    // Where there is none yet, the first call brings one.
    parallel: (contract) => Math.max(1, servingNow(contract)) * (concurrency.get(contract) ?? UNKNOWN_CONCURRENCY),
    busy: (contract) => {
      const now = clock.now();
      if (node === undefined || now < (nextAsk.get(contract) ?? 0)) return;
      nextAsk.set(contract, Number.POSITIVE_INFINITY);
      door.call(Node.method.demand, { contract, withinMs: WITHIN_MS }, { ttlMs: WITHIN_MS + 1_000 }).then(
        ({ addresses }) => nextAsk.set(contract, clock.now() + (addresses.length > 0 ? ASK_EVERY_MS : REFUSED_MS)),
        () => nextAsk.set(contract, clock.now() + REFUSED_MS),
      );
    },
  };
}

/** Containers by contract. */
function countedBy(
  containers: readonly { readonly components: readonly { readonly contract: string }[] }[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { components } of containers)
    for (const contract of new Set(components.map((each) => each.contract)))
      counts.set(contract, (counts.get(contract) ?? 0) + 1);
  return counts;
}
