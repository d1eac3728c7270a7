// The containers of other nodes, as the node that is asked knows them: what they serve and how much they have to do.

import { create } from "@bufbuild/protobuf";
import type { DirectoryNode } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { ContainerState } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { type ContainerStatus, ContainerStatusSchema } from "../messages/gen/unum/control/v1/node_pb.ts";
import { NodeState } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Door } from "./door.ts";

export interface Elsewhere {
  readonly node: string;
  readonly container: ContainerStatus;
}

/** `own`: the id of the node that is asked. Processes and memory are known on their own node only. */
export async function containersElsewhere(door: Door, own: string): Promise<readonly Elsewhere[]> {
  const { nodes } = await door.ask((node, options) => node.find({}, options));
  return elsewhereIn(nodes, own);
}

export function elsewhereIn(nodes: readonly DirectoryNode[], own: string): readonly Elsewhere[] {
  return nodes
    .filter(({ id }) => id !== own)
    .flatMap((node) => node.containers.map((each) => ({ node: node.id, container: statusOf(node, each) })));
}

function statusOf({ state: of }: DirectoryNode, each: DirectoryNode["containers"][number]): ContainerStatus {
  const { id, addresses, components, load, state } = each;
  const suspected = of !== NodeState.ALIVE || state === ContainerState.SUSPECTED;
  return create(ContainerStatusSchema, {
    ...{ id, addresses, components, state: suspected ? "suspected" : "serving" },
    ...(load === undefined ? {} : { load }),
  });
}
