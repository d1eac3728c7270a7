// docs/SEEDS.md has a row for every sentence of the five seeds, and a row that says "works" names a test that is there.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exists, textOf } from "./files.ts";
import { SEED_TEXTS } from "./seed-texts.ts";

interface Row {
  /** As 002:15 or 003:4-5. */
  readonly place: string;
  readonly says: string;
  readonly where: string;
  /** Paths from the root. */
  readonly tests: readonly string[];
  readonly state: string;
}

function rowsOf(page: string): Row[] {
  return page.split("\n").flatMap((line) => {
    const [place = "", says = "", where = "", tests = "", state = ""] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (!/^\d{3}:[\d-]+$/.test(place)) return [];
    return [
      { place, says, where, tests: [...tests.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path), state },
    ];
  });
}

/** What is wrong with the rows, given what the seeds say where. */
function faultsOf(rows: readonly Row[], texts: typeof SEED_TEXTS, isThere: (path: string) => boolean): string[] {
  const wanted = Object.entries(texts).flatMap(([seed, { sentences }]) =>
    sentences.split(" ").map((place) => `${seed}:${place}`),
  );
  return [
    ...missing(wanted, rows).map((place) => `${place} has no row, or too few`),
    ...missing(
      rows.map(({ place }) => place),
      wanted.map((place) => ({ place })),
    ).map((place) => `${place} has a row too many`),
    ...Object.entries(texts).flatMap(([seed, { lines }]) => {
      const covered = new Set(
        rows.filter(({ place }) => place.startsWith(`${seed}:`)).flatMap(({ place }) => span(place.slice(4))),
      );
      const open = lines.split(" ").flatMap(span);
      return open.filter((line) => !covered.has(line)).map((line) => `line ${seed}:${line} is in no row`);
    }),
    ...rows.flatMap((row) => wrongIn(row, isThere).map((why) => `${row.place} ${why}`)),
  ];
}

function wrongIn({ says, where, tests, state }: Row, isThere: (path: string) => boolean): string[] {
  const wrong: string[] = [];
  if (says === "" || where === "") wrong.push("does not say what, or where");
  if (!/^(?:works(?:$|[ ,:;])|not yet(?:: |; | as )\S|note: \S)/.test(state)) {
    wrong.push(`has the state '${state}'; write works, 'not yet: why' or 'note: why'`);
  }
  if (state.startsWith("works") && tests.length === 0) wrong.push("works and names no test; name it, or say not yet");
  wrong.push(...tests.filter((path) => !isThere(path)).map((path) => `names ${path}, which is not there`));
  return wrong;
}

/** The places of `wanted` that `rows` has less often. */
function missing(wanted: readonly string[], rows: readonly { readonly place: string }[]): string[] {
  const left = rows.map(({ place }) => place);
  return wanted.filter((place) => {
    const at = left.indexOf(place);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** "4-6" as 4, 5, 6. */
function span(range: string): number[] {
  const [from = 0, to = from] = range.split("-").map(Number);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe("docs/SEEDS.md", () => {
  it("has a row for every sentence, and a test for all that works", () => {
    const rows = rowsOf(textOf("docs/SEEDS.md"));
    assert.ok(rows.length > 300, `only ${rows.length} rows could be read`);
    assert.deepEqual(faultsOf(rows, SEED_TEXTS, exists), []);
  });

  describe("is found out when", () => {
    const texts = { "000": { lines: "1-2", sentences: "1 2" } };
    const row = "| 000:1 | a | b | [t](../t.ts) | works |";
    const cases: readonly [what: string, page: string, says: RegExp][] = [
      ["a sentence has no row", row, /^000:2 has no row/],
      ["a sentence has two", `${row}\n${row}\n| 000:2 | a | b | | not yet: c |`, /^000:1 has a row too many/],
      ["what works has no test", `${row}\n| 000:2 | a | b | | works |`, /^000:2 works and names no test/],
      ["the test is not there", `${row}\n| 000:2 | a | b | [x](../x.ts) | works |`, /^000:2 names x\.ts/],
      ["no reason is given", `${row}\n| 000:2 | a | b | | not yet |`, /^000:2 has the state/],
      ["nothing is said", `${row}\n| 000:2 |  | b | | not yet: c |`, /^000:2 does not say what/],
    ];
    for (const [what, page, says] of cases) {
      it(what, () => {
        const [first = "nothing was found"] = faultsOf(rowsOf(page), texts, (path) => path === "t.ts");
        assert.match(first, says);
      });
    }

    it("a line is in no row", () => {
      const found = faultsOf(rowsOf(row), { "000": { lines: "1-3", sentences: "1" } }, () => true);
      assert.deepEqual(found, ["line 000:2 is in no row", "line 000:3 is in no row"]);
    });
  });
});
