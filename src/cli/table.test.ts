// Columns that fit.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { styleText } from "node:util";
import { cut, table } from "./table.ts";

const red = (text: string) => styleText("red", text, { validateStream: false });

describe("a table", () => {
  const columns = [{ title: "NAME", least: 6 }, { title: "STATE" }, { title: "N", align: "right" }] as const;

  it("aligns its columns, colours aside, and ends no line in spaces", () => {
    const lines = table(
      columns,
      [
        ["a", red("up"), "7"],
        ["bcd", "", ""],
      ],
      { width: undefined },
    );
    assert.deepEqual(lines, ["NAME  STATE  N", `a     ${red("up")}     7`, "bcd"]);
  });

  it("cuts what may be cut where the terminal is narrow, and nothing where none reads", () => {
    const rows = [["a-long-name-indeed", "serving", "12"]];
    assert.equal(table(columns, rows, { width: undefined })[1], "a-long-name-indeed  serving  12");
    assert.equal(table(columns, rows, { width: 24 })[1], "a-long-nam…  serving  12");
    for (const width of [10, 17, 24, 31, 80]) {
      const longest = Math.max(...table(columns, rows, { width }).map(({ length }) => length));
      assert.ok(longest <= Math.max(width, 6 + 2 + 7 + 2 + 2), `${width}: ${longest}`);
    }
  });

  it("leaves out whole columns where cutting is not enough, those first that say least", () => {
    const all = [{ title: "ID" }, { title: "PID", spare: 2 }, { title: "UP", spare: 1 }] as const;
    const rows = [["k1", "4711", "12 s"]];
    assert.deepEqual(table(all, rows, { width: 14 }), ["ID  PID   UP", "k1  4711  12 s"]);
    assert.deepEqual(table(all, rows, { width: 13 }), ["ID  UP", "k1  12 s"]);
    assert.deepEqual(table(all, rows, { width: 5 }), ["ID", "k1"]);
    assert.deepEqual(table(all, rows, { width: 1 }), ["ID", "k1"]);
  });

  it("cuts what is coloured without cutting its colours", () => {
    assert.equal(cut(`a ${red("long")} word`, 5), `a ${red("lo…")}`);
    assert.equal(cut(red("four"), 4), red("four"));
    assert.equal(cut("four", 3), "fo…");
    assert.equal(cut("four", 0), "");
  });
});
