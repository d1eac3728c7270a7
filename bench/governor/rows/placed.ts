// Calls by a node's door, each placed by what the directory says, beside calls to the address of the one container there is.

import { newClient, systemEnv, zmtpTransport } from "../../../src/index.ts";
import { Container } from "../../../src/messages/gen/unum/control/v1/container_pb.ts";
import { Child } from "../../harness/child.ts";
import { cpuUsOf } from "../../harness/processor.ts";
import { interleave, type Outcome } from "../../harness/rounds.ts";
import type { Subject } from "../../harness/subject.ts";
import { figuresOf } from "../../harness/summary.ts";
import type { Figure, Row } from "../figure.ts";
import { inState, serving, withNode } from "../node.ts";

const SIZE_BYTES = 200;
const IN_FLIGHT = [1, 64];

export const placedRow: Row = async ({ rounds, quick }, progress) => {
  const plan = { rounds: quick ? 3 : Math.max(9, rounds), roundMs: quick ? 200 : 600, warmUpMs: quick ? 300 : 2_000 };
  return withNode({ node: { containers: 1, spares: 0 } }, async (node) => {
    const [container] = inState("serving", await node.until(serving(1)));
    if (container === undefined) throw new Error("no container serves");
    const [address = ""] = container.addresses;
    const env = systemEnv();
    const counter = newClient({ env, transports: [zmtpTransport({ env })], to: [address] });
    const served = async () => Number((await counter.of(Container).ping({})).load?.done ?? 0n);
    const subjects: Subject[] = [];
    try {
      for (const [system, to] of [
        ["unum", address],
        ["placed", node.door],
      ] as const) {
        subjects.push(await subjectOf({ system, to, pid: container.pid, served }));
      }
      const figures: Figure[] = [];
      for (const inFlight of IN_FLIGHT) {
        progress(`calls through placement, ${inFlight} in flight`);
        const outcomes = await interleave(subjects, { sizeBytes: SIZE_BYTES, inFlight, sampleEvery: 1 }, plan);
        figures.push(...figuresFor(inFlight, outcomes.get("placed"), outcomes.get("unum")));
      }
      return figures;
    } finally {
      for (const subject of subjects) await subject.end();
      await counter.close();
    }
  });
};

async function subjectOf(of: {
  readonly system: string;
  readonly to: string;
  readonly pid: number;
  readonly served: () => Promise<number>;
}): Promise<Subject> {
  const { system: name, to, pid, served } = of;
  const calling = new Child({ system: name, nodeArguments: [] });
  try {
    await calling.ask("connect", { address: to }, 60_000);
  } catch (thrown) {
    await calling.end();
    throw thrown;
  }
  const counts = async () => ({
    served: await served(),
    calling: (await calling.ask("count", null)).cpuUs,
    called: cpuUsOf(pid),
  });
  return {
    name,
    end: () => calling.end(),
    measure: async (load, withinMs) => {
      const before = await counts();
      const done = await calling.ask("load", load, withinMs);
      const after = await counts();
      return {
        ...done,
        served: after.served - before.served,
        callingCpuUs: after.calling - before.calling,
        calledCpuUs: after.called - before.called,
      };
    },
  };
}

function figuresFor(inFlight: number, placed: Outcome | undefined, known: Outcome | undefined): Figure[] {
  for (const outcome of [placed, known]) if (outcome?.kind === "refused") throw new Error(outcome.reason);
  const [by, to] = [figuresOf(placed), figuresOf(known)];
  const goal = { bound: "at most", value: 1.05 } as const;
  const ratio = (over: readonly number[], under: readonly number[]) =>
    over.map((value, round) => value / (under[round] ?? Number.NaN));
  return [
    { says: `${inFlight} in flight, known address: processor time a call`, unit: "µs", rounds: to.cpuUsPerCall },
    { says: `${inFlight} in flight, placed: processor time a call`, unit: "µs", rounds: by.cpuUsPerCall },
    {
      says: `${inFlight} in flight, placed over known: processor time a call`,
      unit: "x",
      rounds: ratio(by.cpuUsPerCall, to.cpuUsPerCall),
      goal,
    },
    { says: `${inFlight} in flight, placed over known: p50`, unit: "x", rounds: ratio(by.p50Us, to.p50Us), goal },
  ];
}
