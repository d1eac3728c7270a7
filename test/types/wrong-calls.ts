// Calls and components that the compiler must refuse, each marked. Compiled by types.test.ts, never run.

import { type Call, type Client, component } from "unum";
import { Kinds, Modes } from "../gen/unum/test/v1/services_pb.ts";

const one = (input: { text: string }) => ({ text: input.text });
async function* many(input: { text: string }) {
  yield { text: input.text };
}
async function* numbers() {
  yield { text: 7 };
}
const right = { plain: one, sync: one, async: one, broadcast: one, plainStream: many, stream: many };

export async function rightCalls(client: Client, call: Call): Promise<string> {
  const { text } = await client.call(Modes.method.plain, { text: "a", lines: ["b"], long: 1n });
  for await (const item of client.stream(Modes.method.stream, {}, { credit: 4 })) await call.of(Modes).sync(item);
  const accepted = await call.send(Modes.method.async, {}, { wantResult: true });
  return text + (await accepted.result()).text + (await client.of(Modes).plain({ text })).text;
}

export async function wrongCalls(client: Client, call: Call): Promise<void> {
  // @ts-expect-error a field of another type
  await client.call(Modes.method.plain, { text: 7 });
  // @ts-expect-error a field that the message does not have
  await client.call(Modes.method.plain, { txt: "a" });
  // @ts-expect-error another contract's message
  await client.call(Modes.method.plain, { implicit: { flag: true } });
  // @ts-expect-error no message at all
  await client.call(Modes.method.plain);
  // @ts-expect-error a method that the contract does not have
  await client.call(Modes.method.plan, {});
  // @ts-expect-error a stream, called as if it had one answer
  await client.call(Modes.method.stream, {});
  // @ts-expect-error one answer, read as if it were a stream
  for await (const item of client.stream(Modes.method.plain, {})) item.text;
  // @ts-expect-error the answer taken for something else
  const count: number = (await client.call(Modes.method.plain, {})).text;
  // @ts-expect-error an option that does not exist
  await client.call(Modes.method.plain, {}, { timeoutMs: count });
  // @ts-expect-error a time as text
  await client.call(Modes.method.plain, {}, { ttlMs: "2s" });
  // @ts-expect-error credit, for a call that is no stream
  await client.call(Modes.method.plain, {}, { credit: 4 });
  // @ts-expect-error from within a component: the same
  await call.request(Modes.method.plain, { text: 7 });
  // @ts-expect-error as a function: a field of another type
  await client.of(Modes).plain({ text: 7 });
  // @ts-expect-error as a function: no such method
  await client.of(Modes).plan({});
  // @ts-expect-error as a function: a stream is no promise
  (await client.of(Modes).stream({})).text;
}

export function wrongComponents(): readonly unknown[] {
  const { stream: _, ...missing } = right;
  return [
    component(Modes, right),
    // @ts-expect-error a method without a function
    component(Modes, missing),
    // @ts-expect-error a function without a method
    component(Modes, { ...right, plan: one }),
    // @ts-expect-error an answer of another type
    component(Modes, { ...right, plain: () => ({ text: 7 }) }),
    // @ts-expect-error no answer
    component(Modes, { ...right, plain: () => {} }),
    // @ts-expect-error a promise of no answer
    component(Modes, { ...right, plain: async () => {} }),
    // @ts-expect-error one answer where a stream is due
    component(Modes, { ...right, stream: one }),
    // @ts-expect-error a stream where one answer is due
    component(Modes, { ...right, plain: many }),
    // @ts-expect-error items of another type
    component(Modes, { ...right, stream: numbers }),
    // @ts-expect-error a request of another type
    component(Modes, { ...right, plain: (input: { number: bigint }) => ({ text: String(input.number) }) }),
    // @ts-expect-error another contract's functions
    component(Kinds, right),
    // @ts-expect-error an option of another type
    component(Modes, right, { concurrency: "2" }),
    // @ts-expect-error an option that does not exist
    component(Modes, right, { parallel: 2 }),
  ];
}
