// The tour's chapter of the log index: every figure right, the killed server named, and no process left behind.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "../cli/unum.ts";

after(cleanUp);

describe("unum tour logs", LIMIT, () => {
  it("asks a log that the user names on three servers, one of them killed, and compares with a plain scan", async () => {
    const log = join(await scratch(), "mine.log");
    const parts = sampleLog({ lines: 3_000, days: 1, seed: 4, start: 1_431_907_200, format: "combined" });
    writeFileSync(log, Buffer.concat([...parts, Buffer.from("one line that is none\n")]));
    const ended = await unum(["tour", "logs", "--log", log, "--json"]);
    const [report] = jsonLines(ended);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual([report.chapter, report.sound, report.log, report.lines], ["logs", true, log, 3_000]);
    assert.equal(report.checks.length, 5);
    assert.equal(report.gap.where, "server-2");
    assert.match(report.gap.why, /cannot be reached/);
  });
});
