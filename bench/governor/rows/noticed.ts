// How soon it is known that something does not go on: a node of the network that is gone, a loop that is stuck.

import { Patient, Worker } from "../components/worker/gen/worker_pb.ts";
import type { Figure, Row } from "../figure.ts";
import { inState, seen, serving, since, type TestNode, withNetworkNode, withNode } from "../node.ts";

/** Of a component that says nothing (governor/decisions/health.ts), and what `patient` says of itself. */
const BUDGETS = [
  { name: "no budget declared", contract: Worker, budgetMs: 5_000 },
  { name: "a budget of 8 s declared", contract: Patient, budgetMs: 8_000 },
] as const;
const LONG_MS = 120_000;

/** Of a node's governor and containers: its computer is off. */
export const nodeGoneRow: Row = async ({ rounds }, progress) => {
  const limits = { node: { containers: 1, spares: 0 } };
  const suspected: number[] = [];
  const dead: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`a node is gone, ${round} of ${rounds}`);
    await withNetworkNode({ id: "n1", seeds: [], limits }, (one) =>
      withNetworkNode({ id: "n2", seeds: [one.at], limits }, async (two) => {
        const stateOfTwo = (state: string) => (status: Awaited<ReturnType<TestNode["status"]>>) =>
          status.peers.some((peer) => peer.id === two.id && peer.state === state);
        await one.until(stateOfTwo("alive"));
        await two.until(({ peers }) => peers.some(({ id, state }) => id === one.id && state === "alive"));
        await two.crash();
        const from = performance.now();
        // Seen as suspected, unless that was so short that it was missed.
        await seen(one, (status) => stateOfTwo("suspect")(status) || stateOfTwo("dead")(status));
        suspected.push(since(from));
        await seen(one, stateOfTwo("dead"));
        dead.push(since(from));
      }),
    );
  }
  return [
    { says: "a node's processes killed → another node suspects it", unit: "ms", rounds: suspected },
    { says: "a node's processes killed → another node counts it as dead", unit: "ms", rounds: dead },
  ];
};

export const stuckRow: Row = async ({ rounds }, progress) => {
  const figures: Figure[] = [];
  for (const { name, contract, budgetMs } of BUDGETS) {
    const suspected: number[] = [];
    const ended: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`stuck, ${name}, ${round} of ${rounds}`);
      await withNode({ node: { containers: 1, spares: 0 } }, async (node) => {
        const [container] = inState("serving", await node.until(serving(1)));
        // So that its code is there and its connection open: what is measured begins with the function.
        await node.client.call(contract.method.do, {}, { ttlMs: LONG_MS });
        const from = performance.now();
        const outcome = node.client.call(contract.method.do, { blockMs: LONG_MS }, { ttlMs: LONG_MS }).then(
          () => new Error("a call that was stuck has come back"),
          (error: unknown) => error,
        );
        await seen(node, (status) => inState("suspected", status).some(({ id }) => id === container?.id));
        suspected.push(since(from));
        const error = await outcome;
        if (!(error instanceof Error && "code" in error && error.code === "unknown")) throw error;
        ended.push(since(from) - budgetMs);
      });
    }
    figures.push({ says: `stuck, ${name}: begun → suspected, no new calls`, unit: "ms", rounds: suspected });
    figures.push({ says: `stuck, ${name}: past its budget → ended, the caller told`, unit: "ms", rounds: ended });
  }
  return figures;
};
