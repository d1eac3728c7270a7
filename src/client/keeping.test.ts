// A durable send: what its sender is told when the node that keeps it ends in the midst of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "../base/fault.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { Answer } from "./item-stream.ts";
import { kept } from "./keeping.ts";

const UNTIL_MS = 30_000;
const LOST = () => new Fault("unknown", "sent, then the connection ended");
const NOBODY = () => new Fault("undeliverable", "nobody is there");
// Nobody reads it here.
const ANSWER = {} as Answer;

/** Asks whoever is there by then, as long as there are answers in the list. */
function keeping(answers: readonly (Answer | (() => Fault))[], ttlMs = 0) {
  const clock = new VirtualClock();
  const asked: { door: string; ttlMs: number; atMs: number }[] = [];
  const outcome = kept({
    ...{ clock, id: "m1", ttlMs, until: UNTIL_MS, signal: undefined },
    door: () => `ipc://door-${asked.length}`,
    ask: async (door, left) => {
      asked.push({ door, ttlMs: left, atMs: clock.now() });
      const answer = answers[asked.length - 1] ?? LOST;
      if (typeof answer === "function") throw answer();
      return answer;
    },
  });
  outcome.catch(() => {});
  return { clock, asked, outcome };
}

describe("a durable send", () => {
  it("is asked for again where it may have been kept, until somebody says that it is", async () => {
    const { clock, asked, outcome } = keeping([LOST, NOBODY, NOBODY, ANSWER]);
    await clock.advance(UNTIL_MS);
    assert.equal(await outcome, ANSWER);
    assert.deepEqual(
      asked.map(({ door }) => door),
      ["ipc://door-0", "ipc://door-1", "ipc://door-2", "ipc://door-3"],
      "the door is that of whoever governs then",
    );
  });

  it("is not asked for again where it was certainly not kept", async () => {
    for (const code of ["undeliverable", "overloaded", "not-found", "denied", "invalid"] as const) {
      const { clock, asked, outcome } = keeping([() => new Fault(code, "no")]);
      await clock.advance(UNTIL_MS);
      await assert.rejects(outcome, { code });
      assert.equal(asked.length, 1, code);
    }
  });

  it("names its key where nobody comes who knows, so that another try is no second message", async () => {
    const { clock, asked, outcome } = keeping([LOST]);
    await clock.advance(2 * UNTIL_MS);
    await assert.rejects(outcome, {
      code: "unknown",
      message: /it may have been kept: .* idempotencyKey 'm1' .* once/,
    });
    assert.ok(asked.length > 10 && asked.every(({ atMs }) => atMs < UNTIL_MS));
  });

  it("has no more to live for having been asked for again", async () => {
    const { clock, asked, outcome } = keeping([LOST, LOST, ANSWER], 1_000);
    await clock.advance(UNTIL_MS);
    await outcome;
    for (const { ttlMs, atMs } of asked) assert.equal(ttlMs, 1_000 - atMs);
    const late = keeping([], 250);
    await late.clock.advance(UNTIL_MS);
    await assert.rejects(late.outcome, { code: "unknown" });
    assert.ok(late.asked.every(({ atMs }) => atMs <= 250));
  });
});
