// To whom a program's place goes, as a table.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Candidate, mustGiveUp, nextOwner, type Place } from "./next-owner.ts";

const node = (name: string, set: Partial<Candidate> = {}): Candidate => ({
  ...{ node: name, online: true, fit: true, owns: 0 },
  ...set,
});
const place = (set: Partial<Place> = {}): Place => ({
  ...{ owner: "n1", home: "n1", released: false, nodes: [], takesBack: false },
  ...set,
});
const off = { online: false };
const all = [node("n1"), node("n2"), node("n3")];

const NEXT: readonly (readonly [string, readonly Candidate[], Place, string | undefined, string?])[] = [
  ["the first by name, where nobody was", all, place({ owner: "", home: "" }), "n1", "n1"],
  ["who owns least", [node("n1", { owns: 2 }), node("n2", { owns: 1 })], place({ owner: "", home: "" }), "n2", "n2"],
  ["another than who did not go on asking", all, place(), "n2", "n2"],
  ["that one again, where there is no other", [node("n1"), node("n2", off)], place(), "n1", "n1"],
  ["that one again, where it only ended in between", all, place({ released: true }), "n1", "n1"],
  ["none that is away", [node("n1", off), node("n2", off), node("n3")], place(), "n3", "n3"],
  ["none on which it failed", [node("n1"), node("n2", { fit: false }), node("n3")], place(), "n3", "n3"],
  ["one of those that are named", all, place({ nodes: ["n3"] }), "n3", "n3"],
  ["nobody, where none of those named is there", [node("n1"), node("n3", off)], place({ nodes: ["n3"] }), undefined],
  ["another meanwhile, whose place it is not", all, place({ takesBack: true }), "n2", "n1"],
  ["whose place it is", all, place({ owner: "n2", released: true, takesBack: true }), "n1", "n1"],
  ["a place that was given up to the operator's word", all, place({ takesBack: true, nodes: ["n2"] }), "n2", "n2"],
];
const GIVES_UP: readonly (readonly [string, readonly Candidate[], Place, boolean])[] = [
  ["keeps what is its own", all, place({ takesBack: true }), false],
  ["keeps what it got, where nobody takes it back", all, place({ owner: "n2" }), false],
  ["gives back what another's is", all, place({ owner: "n2", takesBack: true }), true],
  ["not while that one is away", [node("n1", off), node("n2")], place({ owner: "n2", takesBack: true }), false],
  [
    "not where it failed there",
    [node("n1", { fit: false }), node("n2")],
    place({ owner: "n2", takesBack: true }),
    false,
  ],
  ["gives up what an operator wants elsewhere", all, place({ nodes: ["n3"] }), true],
  ["not before somebody can take it", [node("n1"), node("n3", off)], place({ nodes: ["n3"] }), false],
];

describe("the next owner", () => {
  for (const [what, candidates, where, expected, home] of NEXT)
    it(`is ${what}`, () => {
      const next = nextOwner(candidates, where);
      assert.equal(next?.node, expected);
      if (home !== undefined) assert.equal(next?.home, home);
    });
});

describe("an owner", () => {
  for (const [what, candidates, where, expected] of GIVES_UP)
    it(what, () => assert.equal(mustGiveUp(candidates, where), expected));
});
