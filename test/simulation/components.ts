// The components of the simulator's workload: they do what their job says, on their process's own clock.

import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { sleep } from "../../src/base/clock.ts";
import type { Call } from "../../src/container/call.ts";
import { type Component, component } from "../../src/container/component.ts";
import type { OwnProcess } from "../../src/testing/hosts/host-process.ts";
import type { ProcessParts } from "../../src/testing/simulated-container.ts";
import {
  type DoneSchema,
  type Errand,
  type JobSchema,
  Open,
  Single,
  Triple,
  Verb,
} from "../gen/unum/test/v1/simulation_pb.ts";
import type { ContractName } from "./plan.ts";

type Job = MessageShape<typeof JobSchema>;
type Done = MessageInitShape<typeof DoneSchema>;

export const CONTRACTS = { Single, Triple, Open } as const;

/** Where the process is one of a computer, jobs may also keep its loop and end it. */
export type WorkProcess = ProcessParts & Partial<OwnProcess>;

export interface WorkOptions {
  readonly version?: string;
  /** Of Open alone. */
  readonly budgetMs?: number;
}

export function componentsFor(
  names: readonly ContractName[],
  process: WorkProcess,
  { version = "0.0.0", budgetMs }: WorkOptions = {},
): Component[] {
  const unary = (job: Job, call: Call) => act(job, call, process);
  const handlers = {
    work: unary,
    later: unary,
    tell: unary,
    items: (job: Job, call: Call) => items(job, call, process),
  };
  const made = {
    Single: () => component(Single, handlers, { version }),
    Triple: () => component(Triple, handlers, { version, concurrency: 3 }),
    Open: () =>
      component(Open, handlers, { version, reentrant: true, ...(budgetMs === undefined ? {} : { budgetMs }) }),
  };
  return names.map((name) => made[name]());
}

class AsTold extends Error {}

async function act(job: Job, call: Call, process: WorkProcess): Promise<Done> {
  if (job.workMs > 0) await sleep(process.clock, job.workMs, job.heeds ? call.signal : undefined);
  if (job.exits) process.exit?.(1);
  if (job.blockMs > 0) {
    process.block?.(job.blockMs);
    await sleep(process.clock, 0);
  }
  for (const errand of job.errands) {
    try {
      await go(errand, call);
    } catch (error) {
      if (job.strict) throw error;
    }
  }
  if (job.fails) throw new AsTold("told to fail");
  return done(process);
}

async function* items(job: Job, call: Call, process: WorkProcess): AsyncGenerator<Done> {
  await act({ ...job, fails: false }, call, process);
  for (let item = 0; item < job.items; item++) {
    if (job.itemMs > 0) await sleep(process.clock, job.itemMs, job.heeds ? call.signal : undefined);
    yield done(process);
  }
  if (job.fails) throw new AsTold("told to fail");
}

async function go({ contract, verb, ttlMs, job }: Errand, call: Call): Promise<void> {
  // Plans name these contracts only.
  const { work, later, items: stream } = CONTRACTS[contract as ContractName].method;
  const input = job ?? {};
  if (verb === Verb.WORK) await call.call(work, input, { ttlMs });
  else if (verb === Verb.LATER) await (await call.send(later, input, { ttlMs })).result();
  else for await (const _ of call.stream(stream, input, { ttlMs, credit: 3 }));
}

/** Two runs have different marks, so a value shows which run it is of. */
function done({ name, random }: ProcessParts): Done {
  return { by: name, mark: BigInt(random.u32()) * 2n ** 21n + BigInt(random.u32() >>> 11) };
}
