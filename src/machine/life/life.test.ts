// The life of a program as a table, and as laws over every view.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type LifeStep, lifeOf, stateOverNodes, type There, type Wanted } from "./life.ts";

const wanted = (set: Partial<Wanted> = {}): Wanted => ({
  loaded: ["d1"],
  run: undefined,
  fallback: "",
  started: false,
  ...set,
});
const nothing: There = { unpacked: [], served: undefined, containers: 0, refused: [] };
const unpacked = { ...nothing, unpacked: ["d1"] };
const serves = (digest: string, serving = 1, problems: string[] = []): There => ({
  ...unpacked,
  unpacked: ["d1", "d2"],
  served: { digest, serving, refused: undefined, problems },
  containers: serving,
});
const two = { loaded: ["d1", "d2"], run: "d2", fallback: "d1", started: true };

const TABLE: readonly (readonly [string, Wanted | undefined, There, string, LifeStep])[] = [
  ["is not there and not wanted", undefined, nothing, "unloaded", { kind: "none" }],
  ["is wanted and not there", wanted(), nothing, "loading", { kind: "load", digest: "d1" }],
  ["is there and should not run", wanted(), unpacked, "loaded", { kind: "none" }],
  ["should run and is not there", wanted({ run: "d1" }), nothing, "loading", { kind: "load", digest: "d1" }],
  ["should run", wanted({ run: "d1" }), unpacked, "starting", { kind: "serve", digest: "d1" }],
  [
    "should run and does not serve yet",
    wanted({ run: "d1" }),
    { ...serves("d1", 0), unpacked: ["d1"] },
    "starting",
    { kind: "none" },
  ],
  ["runs", wanted({ run: "d1" }), { ...serves("d1"), unpacked: ["d1"] }, "running", { kind: "none" }],
  [
    "should run and cannot",
    wanted({ run: "d1" }),
    { ...serves("d1", 0, ["line 3"]), unpacked: ["d1"] },
    "failed",
    { kind: "none" },
  ],
  [
    "runs, and a newer version is loaded",
    wanted({ loaded: ["d1", "d2"], run: "d1", started: true }),
    { ...serves("d1"), unpacked: ["d1"] },
    "running",
    { kind: "load", digest: "d2" },
  ],
  [
    "runs under other terms than it should",
    wanted({ run: "d1", terms: "t2" }),
    { ...unpacked, served: { digest: "d1", terms: "t1", serving: 1, refused: undefined, problems: [] }, containers: 1 },
    "running",
    { kind: "serve", digest: "d1" },
  ],
  [
    "should run on other nodes only",
    wanted({ started: true, elsewhere: true }),
    unpacked,
    "elsewhere",
    { kind: "none" },
  ],
  [
    "ran here, and should run on other nodes only",
    wanted({ started: true, elsewhere: true }),
    { ...serves("d1"), unpacked: ["d1"] },
    "stopping",
    { kind: "withdraw" },
  ],
  ["runs, and a newer version should", wanted(two), serves("d1"), "running", { kind: "serve", digest: "d2" }],
  [
    "runs, and the newer version was refused here or elsewhere",
    wanted(two),
    { ...serves("d2"), refused: ["d2"] },
    "running",
    { kind: "serve", digest: "d1" },
  ],
  ["went back to the version before", wanted(two), { ...serves("d1"), refused: ["d2"] }, "running", { kind: "none" }],
  [
    "was refused, and there is nothing to go back to",
    wanted({ ...two, fallback: "" }),
    { ...serves("d2"), refused: ["d2"] },
    "running",
    { kind: "none" },
  ],
  ["should not run any more", wanted({ started: true }), serves("d1"), "stopping", { kind: "withdraw" }],
  [
    "was withdrawn and has containers left",
    wanted({ started: true }),
    { ...unpacked, containers: 2 },
    "stopping",
    { kind: "none" },
  ],
  ["has stopped", wanted({ started: true }), unpacked, "stopped", { kind: "none" }],
  [
    "has an old version too many",
    wanted({ loaded: ["d2"], run: "d2" }),
    serves("d2"),
    "running",
    { kind: "delete", digest: "d1" },
  ],
  ["runs and was removed", undefined, serves("d1"), "stopping", { kind: "withdraw" }],
  ["was removed, and a container is left", undefined, { ...unpacked, containers: 1 }, "stopping", { kind: "none" }],
  ["was removed, and its files are left", undefined, unpacked, "stopping", { kind: "delete", digest: "d1" }],
];

describe("a program on a node that", () => {
  for (const [what, want, there, state, step] of TABLE) {
    it(`${what} is ${state}, and next is ${step.kind}`, () => {
      const life = lifeOf(want, there);
      assert.deepEqual([life.state, life.step], [state, step]);
    });
  }
});

const digest = fc.constantFrom("d1", "d2", "d3");
const anyWanted = fc.option(
  fc
    .record({
      loaded: fc.uniqueArray(digest, { minLength: 1 }),
      run: fc.option(digest, { nil: undefined }),
      fallback: fc.oneof(digest, fc.constant("")),
      started: fc.boolean(),
    })
    .map((each) => ({ ...each, run: each.run !== undefined && each.loaded.includes(each.run) ? each.run : undefined })),
  { nil: undefined },
);
const anyRefused = fc.uniqueArray(digest);

/** What a node does with a step, without faults; a version that is refused serves nothing. */
function done(there: There, step: LifeStep): There {
  switch (step.kind) {
    case "load":
      return { ...there, unpacked: [...there.unpacked, step.digest] };
    case "delete":
      return { ...there, unpacked: there.unpacked.filter((each) => each !== step.digest) };
    case "serve": {
      const serving = there.refused.includes(step.digest) ? 0 : 1;
      return { ...there, served: { digest: step.digest, serving, refused: undefined, problems: [] }, containers: 1 };
    }
    case "withdraw":
      return { ...there, served: undefined, containers: 0 };
    case "none":
      return there;
  }
}

describe("the life of a program", () => {
  it("comes to its end from any beginning, and to the same as from nothing", () => {
    fc.assert(
      fc.property(anyWanted, anyWanted, anyRefused, (first, second, refused) => {
        let there: There = { ...nothing, refused };
        for (const want of [first, second]) {
          for (let steps = 0; ; steps++) {
            const { step } = lifeOf(want, there);
            if (step.kind === "none") break;
            assert.ok(steps < 20, "it goes round");
            // L1, L2
            if (step.kind === "serve") assert.ok(there.unpacked.includes(step.digest), "served what is not there");
            if (step.kind === "delete") assert.notEqual(there.served?.digest, step.digest, "deleted what is served");
            there = done(there, step);
          }
        }
        assert.deepEqual([...there.unpacked].sort(), [...(second?.loaded ?? [])].sort());
        const isBack = second?.run !== undefined && there.served?.digest === second.fallback;
        assert.ok(isBack || there.served?.digest === second?.run, "L3");
      }),
    );
  });

  it("is over all nodes what it is on each, or mixed", () => {
    assert.equal(stateOverNodes([]), "unloaded");
    assert.equal(stateOverNodes(["running", "running"]), "running");
    assert.equal(stateOverNodes(["running", "stopped"]), "mixed");
  });
});
