// A node as its own containers and outside callers are told of it.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ContainerState,
  type DirectoryContainerSchema,
  type DirectoryNode,
  DirectoryNodeSchema,
} from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { Address } from "../transports/transport.ts";
import type { ActsBy } from "./decisions/past-owners.ts";
import type { Kept } from "./kept.ts";

export interface NodeView {
  readonly id: string;
  readonly host: string;
  readonly doors: readonly Address[];
  readonly containers: readonly Kept[];
  /** Of a container, for whom it acts; undefined where callers are not to be sent to it. */
  readonly actsBy: (kept: Kept) => ActsBy | undefined;
  /** Of the machine's gateway, where this node keeps it. */
  readonly gateway: MessageInitShape<typeof DirectoryContainerSchema> | undefined;
  readonly offers: readonly { readonly contract: string; readonly version: string }[];
  readonly startable: number;
  readonly spareMs: number;
  readonly newMs: number;
}

/** This node, as it is now. */
export function ownNode(node: NodeView): DirectoryNode {
  const { id, host, doors, containers, gateway, offers, startable, spareMs, newMs } = node;
  const spares = containers.filter(({ state }) => state === "spare").length;
  const told = containers.flatMap((kept) => {
    const by = kept.state === "serving" && kept.probed ? node.actsBy(kept) : undefined;
    return by === undefined ? [] : [{ ...container(kept), owner: by.owner, epoch: BigInt(by.epoch) }];
  });
  const all = gateway === undefined ? told : [...told, gateway];
  return create(DirectoryNodeSchema, {
    ...{ id, host, doors: [...doors], containers: all, offers: [...offers], spares, startable },
    ...{ spareMs: Math.ceil(spareMs), newMs: Math.ceil(newMs) },
  });
}

function container({
  id,
  addresses,
  components,
  suspected,
  load,
}: Kept): MessageInitShape<typeof DirectoryContainerSchema> {
  const state = suspected === undefined ? ContainerState.READY : ContainerState.SUSPECTED;
  return { id, addresses: [...addresses], components: [...components], state, load };
}
