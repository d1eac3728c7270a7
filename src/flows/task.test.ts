// The transitions of a task, and the pauses between its attempts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { backoffMs } from "./decide.ts";
import { stepPolicy } from "./policy.ts";
import { after, type Cause, hasEnded, STATES } from "./task.ts";

const CAUSES: readonly Cause[] = [
  ...(["lease", "report", "complete", "move", "split", "gather", "fail", "time out"] as const),
  ...(["retry", "due", "give up", "expire", "cancel", "crash", "revive"] as const),
];

describe("a task's state machine", () => {
  it("goes the way of one that works at its third attempt", () => {
    let state: (typeof STATES)[number] = "waiting";
    const way = (
      ["lease", "report", "fail", "retry", "due", "lease", "time out", "retry", "due", "lease", "complete"] as const
    ).map((cause) => {
      state = after(state, cause) ?? "dead";
      return state;
    });
    assert.deepEqual(way, [
      ...[
        "leased",
        "running",
        "failed",
        "retrying",
        "waiting",
        "leased",
        "timed-out",
        "retrying",
        "waiting",
        "leased",
        "done",
      ],
    ]);
  });

  it("leaves what has ended alone, but for what is dead", () => {
    for (const state of STATES.filter(hasEnded)) {
      const ways = CAUSES.filter((cause) => after(state, cause) !== undefined);
      assert.deepEqual(ways, state === "dead" ? ["split", "cancel", "revive"] : []);
    }
  });

  it("reaches an end from every state", () => {
    for (const state of STATES) {
      const reached = new Set([state]);
      for (const each of reached) for (const cause of CAUSES) reached.add(after(each, cause) ?? each);
      assert.ok(
        [...reached].some((each) => each === "done" || hasEnded(each)),
        state,
      );
    }
  });
});

describe("the pause between attempts", () => {
  it("doubles, between half of it and all of it, up to the longest", () => {
    const policy = stepPolicy("s", { backoffMs: [100, 1_000] });
    assert.deepEqual(
      [1, 2, 3, 4, 5, 90].map((attempt) => backoffMs(policy, attempt, 0)),
      [50, 100, 200, 400, 500, 500],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, chance) => {
          const pause = backoffMs(policy, attempt, chance);
          assert.ok(pause >= 50 && pause <= 1_000);
        },
      ),
    );
  });
});
