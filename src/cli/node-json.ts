// What a node says, as JSON: the fields of its contract, numbers as numbers.

import type { ContainerStatus, NodeLimits, NodeStatus } from "../messages/gen/unum/control/v1/node_pb.ts";

export function statusJson(status: NodeStatus): object {
  const { containers, ...rest } = status;
  return { ...plainFields(rest), containers: containers.map(containerJson) };
}

/** Methods and messages are told by `unum describe`. */
export function containerJson({ components, ...rest }: ContainerStatus): object {
  const served = components.map(({ contract, version, concurrency, budgetMs }) => ({
    ...{ contract, version, concurrency, budgetMs },
  }));
  return { ...plainFields(rest), components: served };
}

export function limitsJson(limits: NodeLimits): object {
  return plainFields(limits);
}

/** Any message, bytes left out. */
export function messageJson(message: object): object {
  return plainFields(message);
}

/** Counters and sizes stay far below what a JSON number holds exactly. */
function plainFields(message: object): object {
  return JSON.parse(
    JSON.stringify(message, (name, value) =>
      name.startsWith("$") ? undefined : typeof value === "bigint" ? Number(value) : value,
    ),
  );
}
