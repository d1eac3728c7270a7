import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HEALTH_POLICY, type Health, healthOf, type Signs } from "./health.ts";

function signs(set: Partial<Signs> = {}): Signs {
  return {
    startedAt: 0,
    answered: true,
    unansweredSince: undefined,
    began: [],
    lastEndedAt: undefined,
    overdue: [],
    exit: undefined,
    ...set,
  };
}

function health(set: Partial<Signs>, now: number, awakeSince = 0): Health {
  return healthOf(signs(set), { now, awakeSince });
}

const long = (at: number, budgetMs: number) => ({ component: "demo.v1.Slow", at, budgetMs });

describe("health", () => {
  const table: [string, Partial<Signs>, number, Health["kind"]][] = [
    ["healthy when all pings are answered", {}, 1e9, "healthy"],
    ["healthy while a pong may still come", { unansweredSince: 1_000 }, 1_499, "healthy"],
    ["suspected when a pong is late", { unansweredSince: 1_000 }, 1_500, "suspected"],
    ["still only suspected at the end of the default budget", { unansweredSince: 1_000 }, 6_249, "suspected"],
    ["killed past the default budget", { unansweredSince: 1_000 }, 6_250, "kill"],
    [
      "not killed within 20 s that were declared",
      { unansweredSince: 1_000, began: [long(900, 20_000)] },
      20_900,
      "suspected",
    ],
    ["killed past the 20 s that were declared", { unansweredSince: 1_000, began: [long(900, 20_000)] }, 21_200, "kill"],
    [
      "given the longest of several budgets",
      { unansweredSince: 1_000, began: [long(900, 20_000), long(950, 60_000)] },
      60_000,
      "suspected",
    ],
    [
      "given the default budget after a long function ended",
      { unansweredSince: 1_000, lastEndedAt: 20_000 },
      24_999,
      "suspected",
    ],
    [
      "killed where what was declared has long passed",
      { unansweredSince: 90_000, began: [long(0, 20_000)] },
      95_250,
      "kill",
    ],
    [
      "dead when the process ended, whatever else is known",
      { exit: { code: 1, signal: undefined }, began: [long(0, 1e9)] },
      5,
      "dead",
    ],
    ["starting before its first pong", { answered: false, startedAt: 100 }, 30_099, "starting"],
    ["killed when it never answers", { answered: false, startedAt: 100 }, 30_100, "kill"],
    [
      "starting also while its first pings wait",
      { answered: false, startedAt: 100, unansweredSince: 100 },
      20_000,
      "starting",
    ],
    ["suspected with a call that does not settle", { overdue: [{ component: "a", since: 1_000 }] }, 5_999, "suspected"],
    [
      "killed with a call that does not settle, after the others had time",
      { overdue: [{ component: "a", since: 1_000 }] },
      6_000,
      "kill",
    ],
  ];
  for (const [says, set, now, expected] of table) {
    it(`is ${says}`, () => assert.equal(health(set, now).kind, expected));
  }

  it("holds the governor's own sleep against nobody", () => {
    const asleep = { unansweredSince: 1_000 };
    assert.equal(health(asleep, 100_100, 100_000).kind, "healthy");
    assert.equal(health(asleep, 100_500, 100_000).kind, "suspected");
    assert.equal(health(asleep, 105_249, 100_000).kind, "suspected");
    assert.equal(health(asleep, 105_250, 100_000).kind, "kill");
    assert.equal(health({ answered: false }, 100_100, 100_000).kind, "starting");
    assert.equal(health({ overdue: [{ component: "a", since: 1 }] }, 100_100, 100_000).kind, "suspected");
  });

  it("goes by the call that is overdue longest", () => {
    const overdue = [4_000, 1_000, 3_000].map((since, i) => ({ component: `c${i}`, since }));
    const found = health({ overdue }, 5_000);
    assert.deepEqual(found, {
      kind: "suspected",
      reason: "a call of c1 has not settled 4000 ms after its budget and its deadline",
      killAt: 6_000,
    });
  });

  it("says what was promised by whom, and how it ended", () => {
    const reason = (set: Partial<Signs>, now: number) => {
      const found = health(set, now);
      return "reason" in found ? found.reason : "";
    };
    assert.match(
      reason({ unansweredSince: 0, began: [long(0, 20_000)] }, 2_000),
      /2000 ms; demo\.v1\.Slow said it may take 20000 ms/,
    );
    assert.match(reason({ unansweredSince: 0 }, 2_000), /nothing in it said that it may take longer than 5000 ms/);
    assert.equal(reason({ exit: { code: undefined, signal: "SIGKILL" } }, 0), "ended by SIGKILL");
    assert.equal(reason({ exit: { code: 3, signal: undefined } }, 0), "exited with code 3");
    assert.equal(reason({ exit: { code: undefined, signal: undefined } }, 0), "ended; how is not known");
  });

  it("kills nothing that may be within its budget, and in the end everything that is not", () => {
    // One function blocks the loop from `at` for `takesMs`; pings go out every 250 ms from 0 on.
    const block = fc.record({
      at: fc.integer({ min: 0, max: 10_000 }),
      takesMs: fc.integer({ min: 1, max: 60_000 }),
      declaredMs: fc.option(fc.integer({ min: 5_001, max: 60_000 }), { nil: undefined }),
      pausedMs: fc.nat(20_000),
    });
    fc.assert(
      fc.property(block, ({ at, takesMs, declaredMs, pausedMs }) => {
        const budgetMs = declaredMs ?? HEALTH_POLICY.budgetMs;
        const firstUnanswered = Math.ceil(at / 250) * 250;
        const awakeSince = at + pausedMs;
        let killedAt: number | undefined;
        for (let now = awakeSince; now < at + takesMs; now += 50) {
          const unansweredSince = now >= firstUnanswered ? firstUnanswered : undefined;
          const began = declaredMs === undefined ? [] : [long(at, declaredMs)];
          const found = healthOf(signs({ unansweredSince, began }), { now, awakeSince });
          if (found.kind !== "kill") continue;
          killedAt = now;
          break;
        }
        if (killedAt !== undefined)
          assert.ok(killedAt >= at + budgetMs, `killed after ${killedAt - at} of ${budgetMs} ms`);
        // What ran on past everything it was given was killed.
        const bound = Math.max(awakeSince, at + 250) + budgetMs + 500;
        if (at + takesMs > bound) assert.ok(killedAt !== undefined && killedAt <= bound);
      }),
      { numRuns: 500 },
    );
  });
});
