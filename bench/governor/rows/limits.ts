// A limit is changed → it holds: containers started and answering, drained and gone, and what each lets in.

import { newClient, systemEnv, zmtpTransport } from "../../../src/index.ts";
import { Container } from "../../../src/messages/gen/unum/control/v1/container_pb.ts";
import type { Row } from "../figure.ts";
import { inState, seen, serving, since, type TestNode, withNode } from "../node.ts";

const FEW = { containers: 2, spares: 0 };
const MANY = { containers: 4, spares: 2 };
const INBOXES = [500, 1_000];

export const limitsRow: Row = async ({ rounds }, progress) => {
  const started: number[] = [];
  const drained: number[] = [];
  const inbox: number[] = [];
  await withNode({ node: { containers: 2, spares: 0 } }, async (node) => {
    const status = await node.until(serving(1));
    const before = status.containers.length;
    const asks = inState("serving", await node.until(serving(before))).map(({ addresses }) => askerOf(addresses));
    try {
      for (let round = 1; round <= rounds; round++) {
        progress(`limits, ${round} of ${rounds}`);
        started.push(await took(node, MANY, async () => void (await seen(node, (now) => spares(now) === MANY.spares))));
        // Counted by process: what was told to end and has not still holds memory.
        drained.push(await took(node, FEW, () => until(async () => (await node.processes()).length === before)));
        const places = INBOXES[round % INBOXES.length] ?? 0;
        const holds = async () => (await Promise.all(asks.map(({ inbox: ask }) => ask()))).every((is) => is === places);
        inbox.push(await took(node, { inbox: places }, () => until(holds)));
      }
    } finally {
      for (const { close } of asks) await close();
    }
  });
  const goal = { bound: "at most", value: 100 } as const;
  return [
    { says: "setLimits(inbox) → every container goes by it", unit: "ms", rounds: inbox, goal },
    { says: "setLimits, two containers fewer → their processes are gone", unit: "ms", rounds: drained },
    { says: "setLimits, two containers more → both have answered", unit: "ms", rounds: started },
  ];
};

const spares = (status: Awaited<ReturnType<TestNode["status"]>>) => inState("spare", status).length;

async function took(node: TestNode, change: Parameters<TestNode["setLimits"]>[0], holds: () => Promise<void>) {
  const from = performance.now();
  await node.setLimits(change);
  await holds();
  return since(from);
}

async function until(so: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await so())) if (performance.now() > end) throw new Error("the limit did not come to hold in 60 s");
}

function askerOf(addresses: readonly string[]) {
  const env = systemEnv();
  const client = newClient({ env, transports: [zmtpTransport({ env })], to: addresses });
  const ask = async () => (await client.of(Container).describe({}, { ttlMs: 10_000 })).limits?.inbox;
  return { inbox: ask, close: () => client.close() };
}
