// Every fault code is documented with what it means for the caller, and the docs name no other.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULT_CODES, FAULTS, isFaultCode } from "../../src/base/fault.ts";
import { filesLike, textOf } from "./files.ts";

const PAGE = "docs/guide/promises.md";

interface Row {
  readonly code: string;
  readonly started: string;
  readonly retry: string;
}

function documented(page: string): Row[] {
  const [, section = ""] = page.split(/^## Faults$/m);
  const [table = ""] = section.split(/^## /m);
  return [...table.matchAll(/^\| `([^`]+)` \| (\w+) \| (\w+) \| [^|]+ \| [^|]+ \|$/gm)].map(
    ([, code = "", started = "", retry = ""]) => ({ code, started, retry }),
  );
}

/** Codes that prose gives to a Fault, as in: the Fault `expired`. */
function named(page: string): string[] {
  return [...page.matchAll(/\bFaults? `([a-z-]+)`/g)].map(([, code = ""]) => code);
}

describe("fault codes", () => {
  it("stand in the docs as they stand in the code", () => {
    const inCode = FAULT_CODES.map((code) => ({ code, started: FAULTS[code].started, retry: FAULTS[code].retry }));
    assert.deepEqual(documented(textOf(PAGE)), inCode, `the table in ${PAGE} and FAULTS in src/base/fault.ts differ`);
  });

  it("are the only ones that docs name", () => {
    const unknown = filesLike("*.md", "docs/**/*.md").flatMap((path) =>
      named(textOf(path))
        .filter((code) => !isFaultCode(code))
        .map((code) => `${path} names the Fault '${code}', which is none of ${FAULT_CODES.join(", ")}`),
    );
    assert.deepEqual(unknown, []);
  });

  it("are read from the table and from prose (the rule can fail)", () => {
    const page =
      "## Faults\n\n| `lost` | no | later | it got lost | look for it |\n\n## Else\n\n| `x` | no | no | a | b |\n";
    assert.deepEqual(documented(page), [{ code: "lost", started: "no", retry: "later" }]);
    assert.deepEqual(named("ends with the Fault `lost`"), ["lost"]);
  });
});
