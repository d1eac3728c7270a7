import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { didYouMean, editDistance, nearest } from "./nearest.ts";

const METHODS = ["demo.v1.Digest/OfFile", "demo.v1.Digest/OfText", "demo.v1.Archive/OfFile"];

describe("nearest", () => {
  const cases: [string, string | undefined][] = [
    ["demo.v1.Digest/OfFiel", "demo.v1.Digest/OfFile"],
    ["DEMO.V1.DIGEST/OFTEXT", "demo.v1.Digest/OfText"],
    ["Digest/OfText", "demo.v1.Digest/OfText"],
    ["demo.v1.Archiv/OfFile", "demo.v1.Archive/OfFile"],
    ["something.else.Entirely/Different", undefined],
    ["", undefined],
  ];
  for (const [wrong, right] of cases) {
    it(`takes '${wrong}' for ${right === undefined ? "nothing" : `'${right}'`}`, () => {
      assert.equal(nearest(wrong, METHODS), right);
    });
  }

  it("finds short names with two letters wrong", () => {
    assert.equal(nearest("txet", ["path", "text"]), "text");
    assert.equal(didYouMean("txet", ["path", "text"]), "; did you mean 'text'?");
    assert.equal(didYouMean("q", ["path", "text"]), "");
  });

  it("takes bounded time for long names", () => {
    const long = "x".repeat(1_000_000);
    assert.equal(nearest(long, [long.replaceAll("x", "y"), long]), long);
  });
});

describe("edit distance", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });

  it("is zero for the same word, one for one change, and the same both ways", () => {
    fc.assert(
      fc.property(word, word, fc.nat(8), (from, to, at) => {
        assert.equal(editDistance(from, from), 0);
        assert.equal(editDistance(from, to), editDistance(to, from));
        assert.equal(editDistance(from, `${from.slice(0, at)}x${from.slice(at)}`), 1);
        assert.ok(editDistance(from, to) <= Math.max(from.length, to.length));
        assert.ok(editDistance(from, to) >= Math.abs(from.length - to.length));
      }),
    );
  });

  it("counts two neighbours that changed places once", () => {
    assert.equal(editDistance("ofifle", "offile"), 1);
  });

  it("answers the limit where the distance is no less", () => {
    fc.assert(
      fc.property(word, word, fc.integer({ min: 1, max: 9 }), (from, to, limit) => {
        assert.equal(editDistance(from, to, limit), Math.min(editDistance(from, to), limit));
      }),
    );
  });
});
