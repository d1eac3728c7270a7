import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ACCUSERS, compareStatus, mergeStatus, STATES, type Status } from "./status.ts";

/** Few values of each, so that equals meet. */
const incarnation = fc.integer({ min: 1, max: 3 });
const status: fc.Arbitrary<Status> = fc
  .record({
    incarnation,
    state: fc.constantFrom(...STATES),
    until: fc.constantFrom(5, 10, Number.POSITIVE_INFINITY),
    accusers: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), { maxLength: ACCUSERS }),
  })
  .map((each) => ({ ...each, accusers: each.accusers.sort() }));
describe("merging statuses", () => {
  const runs = { numRuns: 5_000 };
  it("does not depend on the order of two", () => {
    fc.assert(
      fc.property(status, status, (a, b) => assert.deepEqual(mergeStatus(a, b), mergeStatus(b, a))),
      runs,
    );
  });
  it("does not depend on which two of three are merged first", () => {
    fc.assert(
      fc.property(status, status, status, (a, b, c) =>
        assert.deepEqual(mergeStatus(mergeStatus(a, b), c), mergeStatus(a, mergeStatus(b, c))),
      ),
      runs,
    );
  });
  it("changes nothing when something is told twice", () => {
    fc.assert(
      fc.property(status, status, (a, b) => assert.deepEqual(mergeStatus(mergeStatus(a, b), b), mergeStatus(a, b))),
      runs,
    );
  });

  const at = (incarnation: number, state: Status["state"], until = Number.POSITIVE_INFINITY): Status => ({
    incarnation,
    state,
    until,
    accusers: [],
  });

  it("believes a later incarnation whatever it says", () => {
    for (const earlier of STATES) {
      assert.equal(mergeStatus(at(1, earlier), at(2, "alive")).state, "alive");
      assert.ok(compareStatus(at(2, "alive"), at(1, earlier)) > 0);
    }
  });

  it("believes the worse of one incarnation", () => {
    assert.equal(mergeStatus(at(1, "alive"), at(1, "suspect")).state, "suspect");
    assert.equal(mergeStatus(at(1, "dead"), at(1, "suspect")).state, "dead");
    assert.equal(mergeStatus(at(1, "dead"), at(1, "left")).state, "left");
  });

  it("takes the shorter lifetime between equals, and only between equals", () => {
    assert.equal(mergeStatus(at(1, "dead", 10), at(1, "dead", 5)).until, 5);
    assert.equal(mergeStatus(at(2, "dead", 10), at(1, "dead", 5)).until, 10);
    assert.equal(mergeStatus(at(1, "left", 10), at(1, "dead", 5)).until, 10);
  });

  it("is what it was when nothing is new", () => {
    const mine = { ...at(1, "suspect"), accusers: ["a", "b"] };
    assert.equal(mergeStatus(mine, { ...mine, accusers: ["b"] }), mine);
    assert.equal(mergeStatus(mine, at(1, "alive")), mine);
  });

  it("collects who accuses, up to as many as count", () => {
    const mine = { ...at(1, "suspect"), accusers: ["b", "d"] };
    const theirs = { ...at(1, "suspect"), accusers: ["a", "c", "e"] };
    assert.deepEqual(mergeStatus(mine, theirs).accusers, ["a", "b", "c", "d"]);
  });
});
