// Laws of the order of versions.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compare } from "semver";
import { compareVersions } from "./version-order.ts";

const LAST = "0123456789abcdefghijklmnopqrstuvwxyz";
const lettered = fc.tuple(fc.nat(40), fc.nat(40), fc.constantFrom(...LAST)).map((parts) => parts.join("."));
const semver = fc
  .tuple(fc.nat(40), fc.nat(40), fc.nat(40), fc.constantFrom("", "-rc.1", "-alpha", "-rc.2"))
  .map(([x, y, z, pre]) => `${x}.${y}.${z}${pre}`);
const version = fc.oneof(lettered, semver);

describe("the order of versions", () => {
  it("is that of numbers, then of letters after all numbers", () => {
    const sorted = ["1.2", "1.2.1", "1.2.9", "1.2.10", "1.2.a", "1.2.z", "1.3.0", "1.10.0", "2.0.0-rc.1", "2.0.0"];
    assert.deepEqual(sorted.toReversed().sort(compareVersions), sorted);
  });

  it("is semver's wherever both are semver", () => {
    fc.assert(fc.property(semver, semver, (a, b) => assert.equal(Math.sign(compareVersions(a, b)), compare(a, b))));
  });

  it("is the same as numbers and as text, where Z is one letter or digit", () => {
    fc.assert(
      fc.property(fc.constantFrom(...LAST), fc.constantFrom(...LAST), (a, b) => {
        assert.equal(Math.sign(compareVersions(`1.2.${a}`, `1.2.${b}`)), a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it("is an order: turned round by turning round, and the same by way of a third", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) || 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          assert.ok(compareVersions(a, c) <= 0, `${a} ${b} ${c}`);
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses what is of neither scheme", () => {
    for (const text of ["1", "1.2.A", "a.b.c", "1.2.3.4", ""])
      assert.throws(() => compareVersions(text, "1.0.0"), { code: "invalid" });
  });
});
