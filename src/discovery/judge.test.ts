import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Hearing, judge } from "./judge.ts";
import type { State, Status } from "./status.ts";

const forever = Number.POSITIVE_INFINITY;

function status(text: string): Status {
  const [state, incarnation] = text.split(" ");
  // The table below has only states in it.
  return { state: state as State, incarnation: Number(incarnation), until: forever, accusers: [] };
}

const cases: readonly [
  says: string,
  mine: string | undefined,
  heard: string,
  means: string,
  rest?: Partial<Hearing>,
][] = [
  ["a stranger who is alive", undefined, "alive 1", "alive 1"],
  ["a stranger who is dead", undefined, "dead 1", "dead 1"],
  ["a stranger who is suspected, and can be asked", undefined, "suspect 1", "suspect 1"],
  ["a stranger who is suspected, and cannot be asked", undefined, "suspect 1", "useless", { withContact: false }],
  ["what is known", "suspect 2", "suspect 2", "known"],
  ["an earlier incarnation", "alive 2", "dead 1", "older"],
  ["a better state of the same incarnation", "suspect 2", "alive 2", "older"],
  ["a refutation", "suspect 2", "alive 3", "alive 3"],
  ["the return of a dead node", "dead 2", "alive 3", "alive 3"],
  ["a suspicion", "alive 2", "suspect 2", "suspect 2"],
  ["a farewell", "alive 2", "left 2", "left 2"],
  ["a farewell of one counted as dead", "dead 2", "left 2", "left 2"],
  ["a death after a long suspicion", "suspect 2", "dead 2", "dead 2", { suspectedForMs: 2_500 }],
  ["a death after a short suspicion", "suspect 2", "dead 2", "suspect 2 within 1500", { suspectedForMs: 1_000 }],
  ["a death out of the blue", "alive 2", "dead 2", "suspect 2 within 2500"],
  ["a death in a later life", "alive 2", "dead 5", "suspect 5 within 2500", { suspectedForMs: 9_000 }],
  ["a death in another's table", "alive 2", "dead 2", "doubt", { way: "sync" }],
  [
    "a death in another's table, suspected here too",
    "suspect 2",
    "dead 2",
    "doubt",
    { way: "sync", suspectedForMs: 9_000 },
  ],
  ["a further death in another's table", "dead 2", "dead 3", "dead 3", { way: "sync" }],
];

describe("a statement", () => {
  for (const [says, mine, heard, means, rest] of cases) {
    it(`of ${says} means: ${means}`, () => {
      const verdict = judge({
        mine: mine === undefined ? undefined : status(mine),
        heard: status(heard),
        way: "gossip",
        suspectedForMs: 0,
        withContact: true,
        now: 0,
        ...rest,
      });
      if (verdict.kind !== "news") return assert.equal(verdict.kind, means);
      const { state, incarnation } = verdict.status;
      const within = verdict.withinMs === undefined ? "" : ` within ${verdict.withinMs}`;
      assert.equal(`${state} ${incarnation}${within}`, means);
    });
  }

  it("of somebody soon to be forgotten is not worth remembering", () => {
    const dead: Status = { ...status("dead 1"), until: 29_999 };
    const hearing = { mine: undefined, way: "gossip", suspectedForMs: 0, withContact: true, now: 0 } as const;
    assert.equal(judge({ ...hearing, heard: dead }).kind, "useless");
    assert.equal(judge({ ...hearing, heard: { ...dead, until: 30_000 } }).kind, "news");
  });
});
