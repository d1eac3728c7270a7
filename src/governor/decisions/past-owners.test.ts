// Whom callers are not sent to.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { actsBy, withoutPastOwners } from "./past-owners.ts";

const epochs = [
  { program: "ledger", epoch: 4, until: 1_000 },
  { program: "elsewhere", epoch: 7, until: undefined },
];

describe("a container of a program with one owner", () => {
  it("acts while its node is the owner, and for nobody before and after", () => {
    assert.deepEqual(actsBy("ledger", epochs, 999), { owner: "ledger", epoch: 4 });
    assert.equal(actsBy("ledger", epochs, 1_000), undefined, "its lease is over");
    assert.equal(actsBy("elsewhere", epochs, 0), undefined, "another node is it");
    assert.equal(actsBy("new", epochs, 0), undefined, "nobody was voted for yet");
  });

  it("is left out of what other nodes say where a newer epoch is known, and nobody else is", () => {
    const node = (id: string, ...all: readonly (readonly [string, bigint])[]) => ({
      id,
      containers: all.map(([owner, epoch]) => ({ owner, epoch })),
    });
    const old = node("a", ["ledger", 3n], ["", 0n], ["other", 1n]);
    const owner = node("b", ["ledger", 4n]);
    // It may have heard of a vote that this node has not heard of.
    const newer = node("c", ["ledger", 5n]);
    const told = withoutPastOwners([old, owner, newer], epochs);
    assert.deepEqual(told, [node("a", ["", 0n], ["other", 1n]), owner, newer]);
    assert.equal(told[1], owner);
    const fine = [owner, newer];
    assert.equal(withoutPastOwners(fine, epochs), fine);
  });
});
