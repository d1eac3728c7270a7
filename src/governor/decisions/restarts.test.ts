import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  afterCrash,
  forgiven,
  givenUp,
  NO_RESTARTS,
  type RestartPolicy,
  type Restarts,
  type RestartVerdict,
} from "./restarts.ts";

const POLICY: RestartPolicy = {
  component: { restarts: 3, withinMs: 1_000 },
  node: { restarts: 5, withinMs: 2_000 },
  pauseMs: 100,
  longestPauseMs: 300,
  calmMs: 10_000,
};

/** `chance` 0.5 leaves pauses as they are. */
function crashes(times: readonly [string, number][], from: Restarts = NO_RESTARTS, policy = POLICY) {
  const verdicts: RestartVerdict[] = [];
  let restarts = from;
  for (const [component, now] of times) {
    const after = afterCrash(restarts, { component, now, chance: 0.5 }, policy);
    verdicts.push(after.verdict);
    restarts = after.restarts;
  }
  return {
    verdicts,
    restarts,
    told: verdicts.map((verdict) => (verdict.kind === "restart" ? verdict.at : verdict.level)),
  };
}

describe("restarts", () => {
  const table: [string, [string, number][], (number | string)[]][] = [
    [
      "starts again at once, then after pauses that grow",
      [
        ["a", 0],
        ["a", 10],
        ["a", 200],
      ],
      [0, 110, 400],
    ],
    [
      "gives up a component that crashes once more than allowed",
      [
        ["a", 0],
        ["a", 10],
        ["a", 200],
        ["a", 600],
      ],
      [0, 110, 400, "component"],
    ],
    [
      "goes on where the crashes are far enough apart",
      [
        ["a", 0],
        ["a", 600],
        ["a", 1_200],
        ["a", 1_800],
        ["a", 2_400],
      ],
      [0, 700, 1_300, 1_900, 2_500],
    ],
    [
      "keeps a component down until the calm has passed",
      [
        ["a", 0],
        ["a", 1],
        ["a", 2],
        ["a", 3],
        ["a", 600],
        ["a", 10_002],
        ["a", 10_003],
      ],
      [0, 101, 202, "component", "component", "component", 10_003],
    ],
    [
      "leaves others unharmed by one that is given up",
      [
        ["a", 0],
        ["a", 1],
        ["a", 2],
        ["a", 3],
        ["b", 4],
      ],
      [0, 101, 202, "component", 4],
    ],
    [
      "gives up the node where too much crashes on it",
      [
        ["a", 0],
        ["b", 0],
        ["c", 0],
        ["d", 0],
        ["e", 0],
        ["f", 0],
        ["g", 1],
      ],
      [0, 0, 0, 0, 0, "node", "node"],
    ],
  ];
  for (const [says, times, expected] of table) {
    it(says, () => assert.deepEqual(crashes(times).told, expected));
  }

  it("says who crashed how often, and once that it was the one too many", () => {
    const { verdicts, restarts } = crashes([
      ["demo.v1.A", 0],
      ["demo.v1.A", 1],
      ["demo.v1.A", 2],
      ["demo.v1.A", 3],
      ["demo.v1.A", 4],
    ]);
    const last = verdicts
      .slice(-2)
      .map((verdict) => (verdict.kind === "give-up" ? [verdict.first, verdict.until] : []));
    assert.deepEqual(last, [
      [true, 10_003],
      [false, 10_003],
    ]);
    assert.match(
      givenUp(restarts, "demo.v1.A", 5)?.reason ?? "",
      /demo\.v1\.A crashed and was started again 3 times within 1000 ms/,
    );
    assert.equal(givenUp(restarts, "demo.v1.B", 5), undefined);
    assert.equal(givenUp(restarts, "demo.v1.A", 10_003), undefined);
  });

  it("forgives a component, or all of the node", () => {
    const { restarts } = crashes([
      ["a", 0],
      ["a", 1],
      ["a", 2],
      ["a", 3],
    ]);
    assert.deepEqual(crashes([["a", 5]], forgiven(restarts, "a")).told, [5]);
    const down = crashes([
      ["a", 0],
      ["b", 0],
      ["c", 0],
      ["d", 0],
      ["e", 0],
      ["f", 0],
    ]).restarts;
    assert.equal(givenUp(down, "z", 5) === undefined, false);
    assert.equal(givenUp(forgiven(down), "z", 5), undefined);
  });

  it("holds both intensities over any span, however crashes come", () => {
    const intensity = fc.record({
      restarts: fc.integer({ min: 1, max: 6 }),
      withinMs: fc.integer({ min: 1, max: 3_000 }),
    });
    const policy = fc.record({
      component: intensity,
      node: intensity,
      pauseMs: fc.nat(500),
      longestPauseMs: fc.nat(5_000),
      calmMs: fc.nat(5_000),
    });
    const crash = fc.record({
      component: fc.constantFrom("a", "b", "c"),
      afterMs: fc.nat(800),
      chance: fc.double({ min: 0, max: 0.99, noNaN: true }),
    });
    fc.assert(
      fc.property(policy, fc.array(crash, { maxLength: 80, size: "max" }), (rules, list) => {
        let restarts = NO_RESTARTS;
        let now = 0;
        const planned: { component: string; at: number }[] = [];
        for (const { component, afterMs, chance } of list) {
          now += afterMs;
          const after = afterCrash(restarts, { component, now, chance }, rules);
          restarts = after.restarts;
          if (after.verdict.kind === "restart") {
            assert.ok(after.verdict.at >= now);
            planned.push({ component, at: after.verdict.at });
          }
        }
        const within = (times: number[], { restarts: most, withinMs }: RestartPolicy["node"]) =>
          times.every((from) => times.filter((at) => at >= from && at < from + withinMs).length <= most);
        assert.ok(
          within(
            planned.map(({ at }) => at),
            rules.node,
          ),
        );
        for (const name of ["a", "b", "c"]) {
          assert.ok(
            within(
              planned.filter(({ component }) => component === name).map(({ at }) => at),
              rules.component,
            ),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
