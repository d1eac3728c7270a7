// Every decision is in the index, once, under its own title.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { filesLike, textOf } from "./files.ts";

const FOLDER = "docs/decisions/";

/** The row that a decision must have. */
function rowOf(file: string, text: string): string {
  const [, number = "", title = ""] = /^# (\d+)\. (.+)$/m.exec(text) ?? [];
  return `| ${number} | [${title}](${file}) |`;
}

function missing(index: string, decisions: ReadonlyMap<string, string>): string[] {
  const rows = index.split("\n").filter((line) => /^\| \d+ \|/.test(line));
  const wanted = [...decisions].map(([file, text]) => rowOf(file, text));
  return [
    ...wanted.filter((row) => !rows.includes(row)).map((row) => `${FOLDER}README.md has no row '${row}'`),
    ...rows.filter((row) => !wanted.includes(row)).map((row) => `${FOLDER}README.md: '${row}' is no decision`),
  ];
}

describe("decisions", () => {
  it("are in their index", () => {
    const files = filesLike(`${FOLDER}*.md`).filter((path) => !path.endsWith("README.md"));
    assert.ok(files.length > 0);
    const decisions = new Map(files.map((path) => [path.slice(FOLDER.length), textOf(path)]));
    for (const file of decisions.keys()) assert.match(file, /^\d{4}-[a-z0-9-]+\.md$/);
    assert.deepEqual(missing(textOf(`${FOLDER}README.md`), decisions), []);
  });

  it("are missed when they are not (the rule can fail)", () => {
    const decisions = new Map([["0001-a.md", "# 1. A title\n"]]);
    assert.equal(missing("| 1 | [A title](0001-a.md) |\n", decisions).length, 0);
    assert.equal(missing("| 1 | [Another](0001-a.md) |\n", decisions).length, 2);
    assert.equal(missing("", decisions).length, 1);
  });
});
