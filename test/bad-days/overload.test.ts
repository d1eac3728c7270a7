// More calls than a container can take: refused at once, while those that it took end in their order.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { cleanUp, LIMIT, scratch, serve, trouble } from "../cli/unum.ts";
import { callerOf, closeCallers } from "./caller.ts";

after(async () => {
  await closeCallers();
  await cleanUp();
});

const INBOX = 16;
const CALLS = 300;
const WAVES = 3;

describe("a container with more calls than it can take", LIMIT, () => {
  it("refuses at once what its inbox has no place for", async () => {
    const served = await serve(trouble, ["--inbox", "10"], { home: await scratch() });
    const caller = callerOf(served.address);
    await caller.outcome("ready");
    const options = { ttlMs: 60_000 };
    const ended: string[] = [];
    const ask = async (text: string) => {
      const outcome = await caller.outcome(text, options);
      ended.push(outcome.is);
      return outcome;
    };
    const first = ask("wait 3000");
    const others = Array.from({ length: 15 }, () => ask("wait 1"));
    assert.equal((await first).is, "wait 3000");
    const outcomes = await Promise.all(others);
    const refused = outcomes.filter(({ is }) => is === "overloaded");
    // While one ran, ten waited.
    assert.equal(refused.length, 5);
    assert.equal(outcomes.filter(({ is }) => is === "wait 1").length, 10);
    // Before the one that ran had ended.
    assert.deepEqual(ended.slice(0, 6), [...Array.from({ length: 5 }, () => "overloaded"), "wait 3000"]);
    for (const { message } of refused) assert.match(message, /10 calls wait in k\w+, the limit is 10/);
  });

  for (const [work, name] of [
    ["wait 2", "waits"],
    ["compute 2", "computes"],
    ["busy 2", "holds the process"],
  ] as const) {
    it(`works on in order while it refuses, where its function ${name} 2 ms`, () => holdsUp(work));
  }
});

/** Calls made at one time, wave after wave: those that it takes end one after the other, and never after a refusal. */
async function holdsUp(work: string): Promise<void> {
  const served = await serve(trouble, ["--inbox", String(INBOX)], { home: await scratch() });
  const caller = callerOf(served.address);
  let refused = 0;
  for (let wave = 0; wave < WAVES; wave++) {
    const ended: { readonly call: number; readonly is: string }[] = [];
    const ask = async (call: number) => {
      const { is } = await caller.outcome(work, { ttlMs: 300_000 });
      ended.push({ call, is });
    };
    await Promise.all(Array.from({ length: CALLS }, (_, call) => ask(call)));
    const completed = ended.filter(({ is }) => is === work).map(({ call }) => call);
    const others = ended.filter(({ is }) => is !== work);
    assert.deepEqual([...new Set(others.map(({ is }) => is))].join(), others.length > 0 ? "overloaded" : "");
    // The one that runs and those for which there is a place, at the least: refusing keeps it from nothing.
    assert.ok(completed.length > INBOX, `only ${completed.length} of ${CALLS} completed`);
    assert.deepEqual(
      completed,
      completed.toSorted((a, b) => a - b),
      "first come, first served",
    );
    // Whoever is refused is refused at once: those that waited then were still to end.
    assert.equal(ended.at(-1)?.is, work);
    refused += others.length;
  }
  assert.ok(refused > 0, "nothing was refused: it was not overloaded");
}
