// Kill → replaced and answering, and how long a container takes to be there; each round on a node of its own, since
// containers that crash again and again are started after growing pauses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Worker } from "../components/worker/gen/worker_pb.ts";
import type { Figure, Row } from "../figure.ts";
import { inState, seen, serving, since, type TestNode, withNode } from "../node.ts";

interface Kind {
  readonly name: string;
  readonly goalMs: number;
  readonly spares: number;
}

const KINDS: readonly Kind[] = [
  { name: "cold", goalMs: 250, spares: 0 },
  { name: "from a warm spare", goalMs: 50, spares: 1 },
];
const PATIENT = { ttlMs: 60_000, withinMs: 60_000 };
/** Enough for code to be compiled and kept, as in a node that has run for a while. */
const CALLS_BEFORE = 200;

interface Times {
  readonly replaced: number[];
  readonly seen: number[];
  readonly spawned: number[];
  readonly given: number[];
}

export const replacedRow: Row = async ({ rounds }, progress) => {
  const times = KINDS.map((): Times => ({ replaced: [], seen: [], spawned: [], given: [] }));
  const bare: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [place, kind] of KINDS.entries()) {
      progress(`replaced ${kind.name}, ${round} of ${rounds}`);
      const into = times[place];
      if (into !== undefined) await onNode(kind, into);
    }
    bare.push(await bareStart());
  }
  return [
    ...KINDS.flatMap(({ name, goalMs }, place) => figuresOf(name, goalMs, times[place])),
    {
      says: "container: process asked for → first answer",
      unit: "ms",
      rounds: times.flatMap(({ spawned }) => spawned),
    },
    { says: "container: given the folder → serving", unit: "ms", rounds: times.flatMap(({ given }) => given) },
    { says: "beside it: a bare Node process that does nothing, started → ended", unit: "ms", rounds: bare },
  ];
};

function figuresOf(name: string, goalMs: number, times: Times | undefined): Figure[] {
  const goal = { bound: "at most", value: goalMs } as const;
  return [
    { says: `SIGKILL → a call is answered by another, ${name}`, unit: "ms", rounds: times?.replaced ?? [], goal },
    { says: `SIGKILL → the status shows it gone, ${name}`, unit: "ms", rounds: times?.seen ?? [] },
  ];
}

function onNode({ spares }: Kind, times: Times): Promise<void> {
  // One serves and `spares` are warm; the place more lets the replacement begin before the next spare is there.
  return withNode({ node: { containers: spares === 0 ? 1 : 2 + spares, spares } }, async (node) => {
    await node.until(serving(1));
    await onlyOneServes(node, spares);
    for (let call = 0; call < CALLS_BEFORE; call++) await node.client.call(Worker.method.do, { steps: 100 }, PATIENT);
    times.replaced.push(await replaced(node));
    const { nodes } = await timesOf(node, spares);
    times.spawned.push(nodes.newMs);
    times.given.push(nodes.spareMs);
    times.seen.push(await shownGone(node));
  });
}

/** A node begins with as many as it has processors. */
async function onlyOneServes(node: TestNode, spares: number): Promise<void> {
  const settled = await node.until(
    (status) => inState("spare", status).length === spares && inState("starting", status).length === 0,
  );
  for (const { id } of inState("serving", settled).slice(1)) await node.drain(id, 5_000);
  await node.until((status) => inState("serving", status).length === 1 && inState("spare", status).length >= spares);
}

async function replaced(node: TestNode): Promise<number> {
  const pid = await onlyPid(node);
  const from = performance.now();
  process.kill(pid, "SIGKILL");
  // With its key it may be sent again where its connection ended under it.
  const options = { ...PATIENT, idempotencyKey: `replaced-${pid}` };
  const reply = await node.client.call(Worker.method.do, { steps: 1 }, options);
  const tookMs = since(from);
  if (reply.pid === pid) throw new Error(`process ${pid} answered after its SIGKILL`);
  return tookMs;
}

async function shownGone(node: TestNode): Promise<number> {
  const pid = await onlyPid(node);
  const from = performance.now();
  process.kill(pid, "SIGKILL");
  await seen(node, ({ containers }) => containers.every((container) => container.pid !== pid));
  return since(from);
}

async function onlyPid(node: TestNode): Promise<number> {
  const [one, ...more] = inState("serving", await node.until(serving(1)));
  if (one === undefined || more.length > 0) throw new Error(`${more.length + 1} containers serve; one was intended`);
  return one.pid;
}

/** As the governor tells them, once all is calm again. */
async function timesOf(node: TestNode, spares: number) {
  await node.until((status) => serving(1)(status) && inState("spare", status).length >= spares);
  const [nodes] = node.client.nodes();
  if (nodes === undefined) throw new Error("the client knows no node");
  return { nodes: { newMs: nodes.newMs ?? Number.NaN, spareMs: nodes.spareMs ?? Number.NaN } };
}

async function bareStart(): Promise<number> {
  const from = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return since(from);
}
