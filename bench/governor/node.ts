// Nodes of real processes for a row, with the bench's components: gone when the row is over, whatever became of it.

import { fileURLToPath } from "node:url";
import type { LimitsChange } from "../../src/capacity/limits.ts";
import type { GovernorStart } from "../../src/cli/process/governor-start.ts";
import type { NodeStatus } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { startNode, type TestNode } from "../../test/governor/node.ts";
import { type NetworkNode, startNetworkNode } from "../../test/network/nodes.ts";

export type { NetworkNode, TestNode };

const COMPONENTS = fileURLToPath(new URL("components", import.meta.url));
const SET: Partial<GovernorStart> = { folder: COMPONENTS, log: "info" };
const LONGEST_MS = 120_000;

const running = new Set<TestNode>();

export async function withNode<T>(limits: LimitsChange, use: (node: TestNode) => Promise<T>): Promise<T> {
  return during(await startNode(limits, SET), use);
}

export async function withNetworkNode<T>(
  at: { readonly id: string; readonly seeds: readonly string[]; readonly limits: LimitsChange },
  use: (node: NetworkNode) => Promise<T>,
): Promise<T> {
  return during(await startNetworkNode(at.id, at.seeds, at.limits, SET), use);
}

async function during<N extends TestNode, T>(node: N, use: (node: N) => Promise<T>): Promise<T> {
  running.add(node);
  try {
    return await use(node);
  } finally {
    running.delete(node);
    await node.end();
  }
}

/** For the end of this process before its time. */
export async function endNodes(): Promise<void> {
  await Promise.all([...running].map((node) => node.end()));
}

export function inState(state: string, { containers }: NodeStatus): NodeStatus["containers"] {
  return containers.filter((container) => container.state === state);
}

export const serving = (count: number) => (status: NodeStatus) => inState("serving", status).length >= count;

/**
 * Asks for the status again as soon as it has come, until it is as wanted: what it shows was so at most one answer, a few
 * milliseconds, before. Answers with that status.
 */
export async function seen(node: TestNode, wanted: (status: NodeStatus) => boolean): Promise<NodeStatus> {
  const end = performance.now() + LONGEST_MS;
  for (;;) {
    const status = await node.status();
    if (wanted(status)) return status;
    if (performance.now() > end) throw new Error(`not seen after ${LONGEST_MS / 1_000} s`);
  }
}

/** Milliseconds since `from`. */
export function since(from: number): number {
  return performance.now() - from;
}
