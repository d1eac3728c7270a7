// One of two nodes is stopped, gracefully, while calls of 50 ms begin 200 times a second: how many fail, here and with Moleculer.
//
// Each round does the same with each: two nodes that serve, a caller that knows both, calls for some seconds, and in their
// middle the word to one of the nodes to stop. Nothing is called again by the caller itself.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { newNodeClient, systemEnv, zmtpTransport } from "../../../src/index.ts";
import { brokerOf } from "../../systems/moleculer.ts";
import { callsAtRate, type Outcomes } from "../calls-at-rate.ts";
import { Worker } from "../components/worker/gen/worker_pb.ts";
import type { Figure, Row } from "../figure.ts";
import { serving, withNetworkNode } from "../node.ts";

const EVERY_MS = 5;
const CALL_MS = 50;
const TTL_MS = 20_000;
/** Calls go on for so long before the word, and after the node is gone. */
const AROUND_MS = 2_000;
const GRACE_MS = 10_000;
const LIMITS = { node: { containers: 1, spares: 0 }, container: { concurrency: { "bench.governor.v1.Worker": 64 } } };

interface Peer {
  readonly name: string;
  readonly goal?: Figure["goal"];
  run(): Promise<Outcomes>;
}

const PEERS: readonly Peer[] = [
  { name: "Unum", goal: { bound: "at most", value: 0 }, run: ours },
  { name: "Moleculer, its defaults", run: () => theirs("") },
  { name: "Moleculer, context tracking on", run: () => theirs("tracking") },
];

export const stopRow: Row = async ({ rounds, quick }, progress) => {
  const times = quick ? 1 : Math.min(rounds, 5);
  const found = PEERS.map((): Outcomes[] => []);
  for (let round = 1; round <= times; round++) {
    for (const [place, { name, run }] of PEERS.entries()) {
      progress(`stop of one of two nodes, ${name}, ${round} of ${times}`);
      const outcome = await run();
      if (outcome.begun < AROUND_MS / EVERY_MS) throw new Error(`${name}: only ${outcome.begun} calls were begun`);
      found[place]?.push(outcome);
      if (outcome.firstFailure !== undefined) progress(`  first failure: ${outcome.firstFailure}`);
    }
  }
  return PEERS.flatMap(({ name, goal }, place): Figure[] => {
    const outcomes = found[place] ?? [];
    const says = `one of two nodes is stopped under 200 calls/s, ${name}`;
    return [
      {
        says: `${says}: failed`,
        unit: "calls",
        rounds: outcomes.map(({ failed }) => failed),
        ...(goal ? { goal } : {}),
      },
      { says: `${says}: begun`, unit: "calls", rounds: outcomes.map(({ begun }) => begun) },
      { says: `${says}: longest`, unit: "ms", rounds: outcomes.map(({ longestMs }) => longestMs) },
    ];
  });
};

function ours(): Promise<Outcomes> {
  return withNetworkNode({ id: "n1", seeds: [], limits: LIMITS }, (one) =>
    withNetworkNode({ id: "n2", seeds: [one.at], limits: LIMITS }, async (two) => {
      await one.until(serving(1));
      await two.until(serving(1));
      for (const [node, other] of [
        [one, two],
        [two, one],
      ] as const) {
        await node.until(({ peers }) => peers.some(({ id, containers }) => id === other.id && containers > 0));
      }
      const env = systemEnv();
      const client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds: [one.door, two.door] });
      try {
        const call = async () => {
          const { pid } = await client.call(Worker.method.do, { waitMs: CALL_MS }, { ttlMs: TTL_MS });
          if (pid === 0) throw new Error("a reply without what was asked for");
        };
        return await callsAtRate(
          call,
          EVERY_MS,
          aroundThe(() => two.drain("", GRACE_MS)),
        );
      } finally {
        await client.close();
      }
    }),
  );
}

async function theirs(tracking: string): Promise<Outcomes> {
  const names = ["one", "two"];
  const nodes: ChildProcess[] = [];
  const caller: { stop?: () => Promise<void> } = {};
  try {
    const urls: string[] = [];
    for (const name of names) {
      const node = fork(new URL("../moleculer-node.ts", import.meta.url), [name, tracking]);
      nodes.push(node);
      // The only writer on the channel is moleculer-node.ts, which sends this first.
      const [{ port }] = (await once(node, "message")) as [{ port: number }];
      urls.push(`127.0.0.1:${port}/${name}`);
    }
    const broker = brokerOf("caller", { urls }, { requestTimeout: TTL_MS });
    caller.stop = () => broker.stop();
    await broker.start();
    await broker.waitForServices(["work"], TTL_MS);
    const call = async (key: string) => {
      const reply = await broker.call("work.do", { waitMs: CALL_MS, key });
      if (typeof reply !== "object" || reply === null || !("key" in reply) || reply.key !== key) {
        throw new Error("a reply that is not what was asked for");
      }
    };
    // So that both are known, and both are called.
    for (const known = new Set<unknown>(); known.size < names.length; ) {
      const reply = await broker.call("work.do", { waitMs: 1, key: "first" });
      known.add(typeof reply === "object" && reply !== null && "pid" in reply ? reply.pid : undefined);
    }
    const stop = async () => {
      const [, two] = nodes;
      if (two === undefined) return;
      const gone = once(two, "exit");
      two.send("stop");
      await gone;
    };
    return await callsAtRate(call, EVERY_MS, aroundThe(stop));
  } finally {
    await caller.stop?.();
    for (const node of nodes) node.kill("SIGKILL");
  }
}

async function aroundThe(stop: () => Promise<unknown>): Promise<void> {
  await pause();
  await stop();
  await pause();
}

function pause(): Promise<void> {
  return new Promise((over) => setTimeout(over, AROUND_MS));
}
