import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ReplacementMember, type ReplacementStep, type ReplacementView, replacementStep } from "./replacement.ts";

function member(id: string, set: Partial<ReplacementMember> = {}): ReplacementMember {
  const base = { contracts: ["demo.v1.A"], running: 0, waiting: 0, idleSince: 0, memoryBytes: 1 };
  return { id, state: "serving", code: "old", probed: true, ...base, ...set };
}

const fresh = { code: "new" };
const spare = { state: "spare", code: "", contracts: [] } as const;

describe("replacement", () => {
  const view: ReplacementView = {
    code: "new",
    size: 2,
    checked: "passed",
    failed: undefined,
    members: [member("a", { running: 1, idleSince: undefined }), member("b")],
    allowed: 4,
  };
  const [a, b] = view.members as [ReplacementMember, ReplacementMember];
  const table: [string, Partial<ReplacementView>, ReplacementStep][] = [
    ["checks the new code before anything else", { checked: undefined }, { kind: "check" }],
    [
      "leaves all as it is when the check fails",
      { checked: { failed: "digest.ts:3: …" } },
      { kind: "halted", reason: "digest.ts:3: …", end: [] },
    ],
    ["starts a new one first where there is room", {}, { kind: "start" }],
    ["waits while it starts", { members: [a, b, member("n", { ...fresh, state: "starting" })] }, { kind: "wait" }],
    ["probes it", { members: [a, b, member("n", { ...fresh, probed: false })] }, { kind: "probe", id: "n" }],
    ["drains the old one with least to do", { members: [a, b, member("n", fresh)] }, { kind: "drain", id: "b" }],
    [
      "waits until that one is gone",
      { members: [a, member("b", { state: "draining" }), member("n", fresh)] },
      { kind: "wait" },
    ],
    ["goes on with the next", { members: [a, member("n", fresh)] }, { kind: "start" }],
    ["is done when all is new", { members: [member("m", fresh), member("n", fresh)] }, { kind: "done" }],
    ["is done with as many as a lowered limit allows", { members: [member("n", fresh)], allowed: 1 }, { kind: "done" }],
    ["has nothing to do where nothing runs", { members: [], size: 0, checked: undefined }, { kind: "done" }],
    [
      "uses a spare where there is no room",
      { members: [a, b, member("s", spare)], allowed: 3 },
      { kind: "use-spare", id: "s" },
    ],
    ["drains first where there is neither room nor spare", { allowed: 2 }, { kind: "drain", id: "b" }],
    ["starts in the room that made", { members: [a], allowed: 2 }, { kind: "start" }],
    [
      "ends only the new one when its probe fails",
      { failed: "the probe said no", members: [a, b, member("n", { ...fresh, probed: false })] },
      { kind: "halted", reason: "the probe said no", end: ["n"] },
    ],
    [
      "leaves a new one that already serves",
      { failed: "later", members: [a, member("m", fresh), member("n", { ...fresh, state: "starting" })] },
      { kind: "halted", reason: "later", end: ["n"] },
    ],
    ["replaces one that crashed meanwhile by a new one", { members: [a] }, { kind: "start" }],
  ];
  for (const [says, set, expected] of table) {
    it(says, () => assert.deepEqual(replacementStep({ ...view, ...set }), expected));
  }

  it("holds its invariants to the end, with any number, room and failure", () => {
    const shape = fc.record({
      size: fc.integer({ min: 1, max: 6 }),
      spares: fc.nat(1),
      room: fc.nat(2),
      /** The container with the new code that fails its probe, counted from 1. */
      failsAt: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      order: fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
    });
    let halts = 0;
    fc.assert(
      fc.property(shape, ({ size, spares, room, failsAt, order }) => {
        const allowed = size + spares + room;
        let members = Array.from({ length: size }, (_, i) => member(`o${i}`));
        members.push(...Array.from({ length: spares }, (_, i) => member(`s${i}`, spare)));
        let view: ReplacementView = { code: "new", size, checked: undefined, failed: undefined, members, allowed };
        let made = 0;
        const set = (id: string, change: Partial<ReplacementMember>) => {
          members = members.map((each) => (each.id === id ? { ...each, ...change } : each));
        };
        /** The world moves: what starts comes to serve, what drains ends. */
        const move = (which: number) => {
          const moving = members.filter(({ state }) => state === "starting" || state === "draining");
          const one = moving[which % Math.max(1, moving.length)];
          if (one?.state === "starting") set(one.id, { state: "serving", probed: false });
          else if (one !== undefined) members = members.filter(({ id }) => id !== one.id);
        };
        const least = size - (spares + room > 0 ? 0 : 1);
        let last: ReplacementStep = { kind: "wait" };
        for (let step = 0; step < 200 && last.kind !== "done" && last.kind !== "halted"; step++) {
          last = replacementStep({ ...view, members });
          if (last.kind === "check") view = { ...view, checked: "passed" };
          else if (last.kind === "start")
            members.push(member(`n${++made}`, { ...fresh, state: "starting", probed: false }));
          else if (last.kind === "use-spare") {
            made++;
            set(last.id, { ...fresh, state: "starting", probed: false });
          } else if (last.kind === "probe") {
            if (made === failsAt) view = { ...view, failed: "no" };
            else set(last.id, { probed: true });
          } else if (last.kind === "drain") set(last.id, { state: "draining" });
          else move(order[step % order.length] ?? 0);
          const serving = members.filter(({ state, probed }) => state === "serving" && probed).length;
          assert.ok(members.length <= allowed);
          assert.ok(serving >= least, `${serving} serve of ${size}`);
          const underWay = members.filter(
            ({ state, probed }) => state === "starting" || state === "draining" || !probed,
          );
          assert.ok(underWay.length <= 1, "one at a time");
        }
        if (failsAt === undefined || failsAt > size) {
          assert.equal(last.kind, "done");
          assert.equal(members.filter(({ code, state }) => code === "new" && state === "serving").length, size);
          assert.ok(members.every(({ code }) => code !== "old"));
        } else {
          halts++;
          assert.equal(last.kind, "halted");
          assert.equal(members.filter(({ code, probed }) => code === "new" && probed).length, failsAt - 1);
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(halts > 100);
  });
});
