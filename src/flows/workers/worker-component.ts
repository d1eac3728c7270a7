// The component that does many small tasks for one call, and tells of long ones while they go on. A folder that is to be worked in
// by batches has it as one of its components:
//
//   export default flowWorker([hash, squeeze]);

import { type DescMessage, type DescMethod, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ApplicationError,
  type Call,
  type Component,
  component,
  Fault,
  type StreamMethod,
  type UnaryMethod,
} from "unum";
import { asError } from "../../base/fault.ts";
import { type Batch, Worker } from "../gen/unum/flows/v1/worker_pb.ts";

/** Batches that may be under way in one container: they wait for its components, not for each other. */
const BATCHES = 64;

const LISTENERS = "listeners";

type Listeners = Map<string, (fraction: number, note: string) => void>;

/** Works for the steps whose methods these components implement; they are served by the same container. */
export function flowWorker(components: readonly Component[]): Component {
  const methods = new Map<string, DescMethod>();
  for (const { contract } of components) {
    for (const method of contract.methods) methods.set(`${contract.typeName}/${method.name}`, method);
  }
  return component(
    Worker,
    {
      do: (batch, call) => work(methods, batch, call),
      report: ({ key, fraction, note }, call) => {
        const hear = listenersIn(call).get(key);
        hear?.(fraction, note);
        return { heard: hear !== undefined };
      },
    },
    { concurrency: BATCHES, reentrant: true, budgetMs: 60_000 },
  );
}

/**
 * How far a step is, 0 … 1, from within its component. Costs a call within the container; nobody need listen.
 * A step that must report (`heartbeatMs`) is kept alive by it.
 */
export async function report(call: Call, fraction: number, note = ""): Promise<void> {
  const key = call.meta["flow-key"];
  if (key === undefined) return;
  try {
    await call.call(Worker.method.report, { key, fraction, note });
  } catch (error) {
    // Where no worker component is served, nobody listens.
    if (!(error instanceof Fault) || error.code !== "not-found") throw error;
  }
}

function listenersIn(call: Call): Listeners {
  const known = call.environment.get(LISTENERS);
  if (known instanceof Map) return known;
  const listeners: Listeners = new Map();
  call.environment.set(LISTENERS, listeners);
  return listeners;
}

type Item = MessageInitShape<typeof Worker.method.do.output>;

/** Whatever has come since the reader took the last item. */
class Gathering {
  done: number[] = [];
  counts: number[] = [];
  values: Uint8Array[] = [];
  failures: { index: number; code: string; type: string; message: string }[] = [];
  progress = new Map<string, { key: string; fraction: number; note: string }>();
  #wake = (): void => {};

  came(): void {
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.done.length === 0 && this.failures.length === 0 && this.progress.size === 0;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function* work(methods: ReadonlyMap<string, DescMethod>, batch: Batch, call: Call): AsyncGenerator<Item> {
  const before = call.msLeft;
  const method = methods.get(batch.path);
  if (method === undefined) throw new Fault("not-found", `this worker has no component for ${batch.path}`);
  const listeners = listenersIn(call);
  let gathering = new Gathering();
  for (const key of batch.keys) {
    listeners.set(key, (fraction, note) => {
      gathering.progress.set(key, { key, fraction, note });
      gathering.came();
    });
  }
  let left = batch.values.length;
  const ended = (index: number, outcome: readonly Uint8Array[] | Error) => {
    left--;
    if (outcome instanceof Error) gathering.failures.push(failureOf(index, outcome));
    else {
      gathering.done.push(index);
      for (const value of outcome) gathering.values.push(value);
      if (method.methodKind === "server_streaming") gathering.counts.push(outcome.length);
    }
    gathering.came();
  };
  batch.values.forEach((value, index) => {
    attempt(method, value, index, batch, call).then(
      (values) => ended(index, values),
      (thrown: unknown) => ended(index, asError(thrown)),
    );
  });
  try {
    while (left > 0 || !gathering.isEmpty) {
      if (gathering.isEmpty) await gathering.next();
      const { done, counts, values, failures, progress } = gathering;
      gathering = new Gathering();
      const elapsedUs = Math.max(0, Math.round((before - call.msLeft) * 1_000));
      yield { done, counts, values, failures, progress: [...progress.values()], elapsedUs };
    }
  } finally {
    for (const key of batch.keys) listeners.delete(key);
  }
}

async function attempt(
  method: DescMethod,
  value: Uint8Array,
  index: number,
  batch: Batch,
  call: Call,
): Promise<Uint8Array[]> {
  const options = {
    ttlMs: batch.timeoutMs,
    meta: { "flow-key": batch.keys[index] ?? "", "flow-attempt": String(batch.attempts[index] ?? 1) },
    signal: call.signal,
  };
  // A message of the schema is an init of it.
  const input = fromBinary(method.input, value) as MessageInitShape<DescMessage>;
  if (method.methodKind === "unary") {
    return [toBinary(method.output, await call.call(method as UnaryMethod, input, options))];
  }
  const values: Uint8Array[] = [];
  for await (const item of call.stream(method as StreamMethod, input, options))
    values.push(toBinary(method.output, item));
  return values;
}

function failureOf(index: number, error: Error) {
  const code = error instanceof Fault ? error.code : "";
  const type = error instanceof ApplicationError ? error.type : error.name;
  return { index, code, type, message: error.message };
}
