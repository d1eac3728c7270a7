import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Load } from "./load.ts";
import { interleave, reasonToRefuse } from "./rounds.ts";
import type { Round, Subject } from "./subject.ts";

const CELL = { sizeBytes: 200, inFlight: 2, sampleEvery: 1 };
const PLAN = { rounds: 3, roundMs: 10, warmUpMs: 10 };

/** A system that takes 0.1 ms a call and does what `change` makes of that. */
function subject(name: string, order: string[], change: (round: Round) => Partial<Round> = () => ({})): Subject {
  return {
    name,
    end: async () => {},
    async measure({ calls }: Load) {
      order.push(name);
      const done = { completed: calls, served: calls, wrong: 0, failed: 0, firstFailure: undefined };
      const round = { ...done, elapsedMs: calls / 10, p50Us: 100, p99Us: 200, callingCpuUs: 1, calledCpuUs: 1 };
      return { ...round, ...change(round) };
    },
  };
}

async function outcomeOf(change: (round: Round) => Partial<Round>) {
  const outcomes = await interleave([subject("a", [], change)], CELL, PLAN);
  return outcomes.get("a");
}

describe("interleaved rounds", () => {
  it("give every system its turn before any has a second", async () => {
    const order: string[] = [];
    await interleave([subject("a", order), subject("b", order)], CELL, PLAN);
    assert.equal(order.slice(-6).join(""), "ababab");
  });

  it("do the same number of calls every round, enough to fill it", async () => {
    const outcome = await outcomeOf(() => ({}));
    assert.ok(outcome?.kind === "measured");
    assert.equal(outcome.callsPerRound, 100);
    assert.deepEqual(new Set(outcome.rounds.map(({ completed }) => completed)), new Set([100]));
  });

  for (const [what, change] of [
    ["calls that failed", () => ({ failed: 1, firstFailure: "Error: no" })],
    ["replies that were not what was sent", () => ({ wrong: 1 })],
    ["fewer calls than intended", ({ completed }: Round) => ({ completed: completed - 1 })],
    ["calls answered that the called side did not do", ({ served }: Round) => ({ served: served - 1 })],
    ["calls done twice", ({ served }: Round) => ({ served: served + 1 })],
  ] as const) {
    it(`refuse ${what}`, async () => {
      const outcome = await outcomeOf(change);
      assert.equal(outcome?.kind, "refused");
    });
  }

  it("refuse a system whose process is gone, and measure the others", async () => {
    const gone = {
      name: "gone",
      end: async () => {},
      measure: () => Promise.reject(new Error("the gone process ended with SIGKILL")),
    };
    const outcomes = await interleave([gone, subject("a", [])], CELL, PLAN);
    assert.deepEqual(outcomes.get("gone"), { kind: "refused", reason: "the gone process ended with SIGKILL" });
    assert.equal(outcomes.get("a")?.kind, "measured");
  });

  it("name the first failure", () => {
    const round = { completed: 9, served: 9, wrong: 0, failed: 1, firstFailure: "Error: no", elapsedMs: 1 };
    const whole = { ...round, p50Us: 1, p99Us: 1, callingCpuUs: 1, calledCpuUs: 1 };
    assert.match(reasonToRefuse(10, whole) ?? "", /1 of 10 calls failed, the first with Error: no/);
  });
});
