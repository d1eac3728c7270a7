// The table of bad input and bad days: each of its rows names a test that is there.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { textOf } from "./files.ts";

const PAGE = "docs/guide/bad-days.md";
const ROW = /^\| .+ \| \[([^\]]+)\]\([^)]+\) \| (.+) \|$/;

/** Rows that name none: file and title. */
function untrue(page: string, at: (path: string) => string): string[] {
  const rows = page.split("\n").flatMap((line) => {
    const [, file, title] = ROW.exec(line) ?? [];
    return file === undefined || title === undefined ? [] : [[file, title] as const];
  });
  assert.ok(rows.length > 20, "the table is read");
  return rows.filter(([file, title]) => !at(file).includes(title)).map(([file, title]) => `${file}: ${title}`);
}

describe("the table of bad days", () => {
  it("names tests that are there", () => {
    assert.deepEqual(untrue(textOf(PAGE), textOf), []);
  });

  it("is found out where it does not", () => {
    const [broken = ""] = untrue(textOf(PAGE).replace("flood the log |", "floods the log |"), textOf);
    assert.match(broken, /escapes\.test\.ts: floods the log$/);
  });
});
