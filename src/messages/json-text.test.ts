import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findBreak, parseJson } from "./json-text.ts";

describe("broken JSON", () => {
  const broken: [string, RegExp][] = [
    ["", /line 1, column 1: the end of the text, expected a value/],
    ["{", /line 1, column 2: the end of the text, expected a field's name/],
    ['{"path": "README.md"', /line 1, column 21: the end of the text, expected ',' or '}'/],
    ["{'path': 1}", /line 1, column 2: a single quote, expected a field's name in double quotes/],
    ["{path: 1}", /line 1, column 2: 'p', expected a field's name in double quotes/],
    ['{\n  "a": 1,\n  "b" 2\n}', /line 3, column 7: '2', expected ':'/],
    ['{\n  "a": 1,\n}', /line 3, column 1: '}', expected a field's name/],
    ['{"a": [1, 2,]}', /line 1, column 13: '\]', expected a value/],
    ['{"a": 1} {}', /line 1, column 10: '{' after the value/],
    ['{"a": 01}', /line 1, column 8: '1', expected ',' or '}'/],
    ['{"a": undefined}', /line 1, column 7: 'u', expected a value/],
    ['{"a": "two\nlines"}', /line 1, column 11: a line break or control character/],
    ['{"a": "\\x"}', /line 1, column 8: the unknown escape/],
    ['{"a": "open}', /line 1, column 7: a string that does not end/],
  ];
  for (const [text, message] of broken) {
    it(`is placed in ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseJson(text), { name: "Fault", code: "invalid", message });
    });
  }

  it("is what the engine's parser refuses, no more and no less", () => {
    const pieces = fc.constantFrom(
      ...'{}[],:"\\ \n019.-+eEu\u0001xé',
      '"a"',
      '"\\u00e9"',
      "true",
      "null",
      "-1.5e3",
      '{"a":1}',
    );
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join("")),
      fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, put]) => {
        const index = at % (json.length + 1);
        return json.slice(0, index) + put + json.slice(index + put.length);
      }),
    );
    fc.assert(
      fc.property(text, (json) => {
        assert.equal(findBreak(json) === undefined, parses(json), json);
      }),
      { numRuns: 3000 },
    );
  });

  it("may be nested as deep as the text is long", () => {
    assert.throws(() => parseJson("[".repeat(200_000)), { code: "invalid" });
    assert.throws(() => parseJson("[".repeat(200_000) + "]".repeat(200_000)), {
      code: "invalid",
      message: /nested too deep/,
    });
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
