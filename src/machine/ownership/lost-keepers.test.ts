// What is said of keepers that are gone.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keeperTrouble } from "./lost-keepers.ts";

const there = (id: string) => ({ id, revoked: false, online: true });
const away = (id: string) => ({ ...there(id), online: false });
const revoked = (id: string) => ({ ...away(id), revoked: true });
const KEEPERS = ["n1", "n2", "n3"];

const TABLE: readonly (readonly [
  string,
  readonly string[],
  Parameters<typeof keeperTrouble>[2],
  RegExp | undefined,
])[] = [
  ["nothing where all are there", KEEPERS, KEEPERS.map(there), undefined],
  ["nothing where one is away, who may come back", KEEPERS, [there("n1"), away("n2"), there("n3")], undefined],
  [
    "that two are away, of which one is needed",
    KEEPERS,
    [there("n1"), away("n2"), away("n3"), there("n4")],
    /^of its 3 keepers n2, n3 away: 1 of them can vote, 2 have to; without them it ends, .*; if they do not come back, name .* 'unum start ledger --keeper n1 --keeper n4'$/,
  ],
  [
    "that one is gone for good, and who may take its place",
    KEEPERS,
    [there("n1"), there("n2"), revoked("n3"), there("n4")],
    /^of its 3 keepers n3 no part of the machine any more: 2 of them can vote, 2 have to; no other may be lost; name those that are there: 'unum start ledger --keeper n1 --keeper n2 --keeper n4'$/,
  ],
  ["that one is gone that nobody remembers", KEEPERS, [there("n1"), there("n2")], /n3 no part of the machine/],
  [
    "that the only one is gone",
    ["n1"],
    [revoked("n1"), there("n2")],
    /: 0 of them can vote, 1 have to; without them it ends/,
  ],
  [
    "that one of five is gone, though enough are left",
    ["n1", "n2", "n3", "n4", "n5"],
    [...["n1", "n2", "n3", "n4"].map(there), revoked("n5")],
    /4 of them can vote, 3 have to; name those/,
  ],
];

describe("of a program's keepers an operator is told", () => {
  for (const [says, keepers, controllers, expected] of TABLE)
    it(says, () => {
      const told = keeperTrouble("ledger", keepers, controllers);
      if (expected === undefined) assert.equal(told, undefined);
      else assert.match(told ?? "", expected);
    });
});
