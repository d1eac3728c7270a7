// What a version says of a change, as a table and as a law.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { saysTooLittle } from "./version-says.ts";

const who = "callers";

describe("a version", () => {
  it("says by its first two numbers that callers may break, and by its third that none does", () => {
    const cases: [before: string, after: string, breaks: boolean, says: RegExp | undefined][] = [
      ["1.2.3", "1.2.4", true, /^version 1\.2\.4 says that callers of 1\.2\.3 go on, .* 1\.3\.0, or 2\.0\.0 /],
      ["1.2.3", "1.2.3", true, /it would be 1\.3\.0/],
      ["1.2.3", "1.2.z", true, /it would be 1\.3\.0/],
      ["1.2.3", "1.3.0", true, undefined],
      ["1.2.3", "2.0.0", true, undefined],
      ["1.9.0", "2.0.0-rc.1", true, undefined],
      ["1.2", "1.2.1", true, /1\.3\.0/],
      // An older one says what it says.
      ["1.2.3", "1.1.0", true, undefined],
      ["1.2.3", "1.2.3", false, /^version 1\.2\.3 is the one before, .* 1\.2\.4$/],
      ["1.2.b", "1.2.b", false, /a later one than 1\.2\.b$/],
      ["1.2.3", "1.2.4", false, undefined],
      // More than need be: who makes it may know why.
      ["1.2.3", "1.3.0", false, undefined],
      ["1.2.3", "2.0.0", false, undefined],
      // Nobody has said anything.
      ["0.0.0", "0.0.0", true, undefined],
      ["0.0.0", "0.0.1", true, /0\.1\.0/],
    ];
    for (const [before, after, breaks, says] of cases) {
      const found = saysTooLittle(before, after, { breaks, who });
      if (says === undefined) assert.equal(found, undefined, `${before} → ${after}`);
      else assert.match(found ?? "", says, `${before} → ${after}`);
    }
  });

  it("says enough once it is what it was said to be", () => {
    const version = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40)).map((parts) => parts.join("."));
    fc.assert(
      fc.property(version, version, fc.boolean(), (before, after, breaks) => {
        const found = saysTooLittle(before, after, { breaks, who });
        if (found === undefined) return;
        const [, better = ""] = /it would be (\d+\.\d+\.\d+)/.exec(found) ?? [];
        assert.equal(saysTooLittle(before, better, { breaks, who }), undefined, found);
      }),
    );
  });
});
