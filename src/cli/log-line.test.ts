// Lines of logs as people and programs read them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inOrder, logLineJson, logLineText, parseLogLine } from "./log-line.ts";

const bare = (_: unknown, text: string) => text;
const WRITTEN = '{"at":"2026-01-02T03:04:05.678Z","level":"warn","message":"slow","ms":12,"who":"me"}';

describe("a line of a log", () => {
  it("that Unum wrote is shown as people read it", () => {
    assert.equal(logLineText(parseLogLine(WRITTEN), bare), "warn 03:04:05 slow ms=12 who=me");
    assert.deepEqual(logLineJson("k1", parseLogLine(WRITTEN)), {
      ...{ from: "k1", at: "2026-01-02T03:04:05.678Z", level: "warn", message: "slow", ms: 12, who: "me" },
    });
  });

  it("that a component wrote is shown as it is", () => {
    for (const text of ["hello", "", '{"at":"noon","level":"warn","message":"x"}', '{"at":', '{"level":"info"}']) {
      assert.equal(logLineText(parseLogLine(text), bare), text);
      assert.deepEqual(logLineJson("k1", parseLogLine(text)), { from: "k1", text });
    }
  });

  it("moves no cursor and changes no colour", () => {
    const ESCAPE = String.fromCharCode(27);
    assert.equal(logLineText(parseLogLine(`${ESCAPE}[31mred${ESCAPE}[0m\u0007\tend`), bare), "red·\tend");
  });

  it("stands in the order of time, and those without a time behind the one before them", () => {
    const line = (from: string, second: number) => ({
      ...{ ...parseLogLine(WRITTEN.replace("03:04:05", `03:04:0${second}`)), from },
    });
    const plain = (from: string, text: string) => ({ ...parseLogLine(text), from });
    const logs = [
      [plain("a", "start"), line("a", 1), plain("a", "after 1"), line("a", 5)],
      [line("b", 0), line("b", 3), plain("b", "after 3")],
    ];
    const order = inOrder(logs).map(
      ({ from, atMs, text }) => from + (atMs === undefined ? text : new Date(atMs).getUTCSeconds()),
    );
    assert.deepEqual(order, ["astart", "b0", "a1", "aafter 1", "b3", "bafter 3", "a5"]);
  });
});
