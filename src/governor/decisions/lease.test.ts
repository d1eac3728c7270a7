import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type LeaseView, LONGEST_LEASE_MS, leaseText, mayDeploy, parseLease, taken } from "./lease.ts";

const WALL = Date.UTC(2026, 0, 1);
const view: LeaseView = {
  lease: { holder: "ci", until: WALL + 5_000 },
  firstSeenAt: 0,
  now: 100,
  wallNow: WALL,
  me: "governor",
};

describe("the deployment lock", () => {
  const table: [string, Partial<LeaseView>, ReturnType<typeof mayDeploy>][] = [
    ["is open where there is none", { lease: undefined }, { may: true }],
    ["is closed while another holds it", {}, { may: false, holder: "ci", leftMs: 5_000 }],
    ["is open to its holder", { me: "ci" }, { may: true }],
    ["is open at its end", { wallNow: WALL + 5_000 }, { may: true }],
    ["is closed just before its end", { wallNow: WALL + 4_999 }, { may: false, holder: "ci", leftMs: 1 }],
    [
      "is open after the longest time, whatever the wall clock says",
      { now: LONGEST_LEASE_MS, wallNow: WALL - 1e9 },
      { may: true },
    ],
  ];
  for (const [says, set, expected] of table) it(says, () => assert.deepEqual(mayDeploy({ ...view, ...set }), expected));

  it("is taken where it is open, renewed by its holder, and for no longer than may be", () => {
    assert.equal(taken(view, 1_000), undefined);
    assert.deepEqual(taken({ ...view, lease: undefined }, 1_000), { holder: "governor", until: WALL + 1_000 });
    assert.deepEqual(taken({ ...view, me: "ci" }, 9_000), { holder: "ci", until: WALL + 9_000 });
    assert.deepEqual(taken({ ...view, me: "ci" }, 1e12), { holder: "ci", until: WALL + LONGEST_LEASE_MS });
  });

  it("is read as it was written", () => {
    const name = fc.stringMatching(/^[\w@. -]{1,40}$/).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(name, fc.integer({ min: 0, max: 4e12 }), (holder, until) => {
        assert.deepEqual(parseLease(leaseText({ holder, until })), { holder, until });
      }),
    );
  });

  it("is somebody's where its file says anything else, and ends all the same", () => {
    const texts = [
      "",
      "\n",
      "ci",
      "ci\nsoon\n",
      "\n2026-01-01\n",
      "ci\n2026-01-01\nmore",
      `${"x".repeat(300)}\n2026-01-01`,
    ];
    for (const text of texts) {
      const unreadable = { ...view, lease: parseLease(text) };
      assert.equal(mayDeploy(unreadable).may, false, text);
      assert.equal(mayDeploy({ ...unreadable, now: LONGEST_LEASE_MS }).may, true, text);
    }
    fc.assert(fc.property(fc.string(), (text) => void parseLease(text)));
  });
});
