// What a candidate may do to the very process that conducts its run, where it is evaluated in there.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "./unum.ts";

after(cleanUp);

const FEW = ["--islands", "1", "--engine", "de", "--seed", "1", "--json"] as const;
const SHORT = ["--evaluations", "300", "--set", "migration.every=100"] as const;

/** `bad` is done at some of the candidates. */
const doing = (bad: string) => `import { problem } from "unum/islands";
export default problem({ dimensions: 2, lower: -5, upper: 5, evaluate: (x) => {
  if (x[0] > 4) ${bad};
  return x[0] ** 2 + x[1] ** 2;
} });
`;

async function fileDoing(bad: string): Promise<{ readonly home: string; readonly file: string }> {
  const home = await scratch();
  const file = join(home, "problem.ts");
  await writeFile(file, doing(bad));
  return { home, file };
}

describe("unum islands run --in-process", LIMIT, () => {
  it("quarantines candidates that call process.exit, as containers do, however many", async () => {
    const { home, file } = await fileDoing("process.exit(0)");
    const found = [];
    for (const place of [["--in-process"], ["--processes", "1"]]) {
      const ran = await unum(["islands", "run", file, ...FEW, ...SHORT, ...place], { home });
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /a candidate threw Error: process\.exit\(0\) was called within an evaluation/);
      const [{ best, quarantined, evaluations, recoveries }] = jsonLines(ran);
      assert.equal(recoveries, 0, "nothing of its own was lost");
      assert.ok(quarantined >= 4, `${quarantined} of ${evaluations}`);
      found.push({ best, quarantined, evaluations });
    }
    assert.deepEqual(found[0], found[1]);
  });

  for (const [what, bad] of [
    ["a timer throws", 'setTimeout(() => { throw new Error("too late"); }, 1)'],
    ["a promise that nobody awaits is rejected", 'void Promise.reject(new Error("too late"))'],
  ] as const) {
    it(`stops with a checkpoint and says where, when ${what}`, async () => {
      const { home, file } = await fileDoing(bad);
      const run = ["islands", "run", file, ...FEW, "--name", "stray", "--in-process"];
      const ran = await unum([...run, "--set", "migration.every=20", "--evaluations", "100000000"], { home });
      assert.equal(ran.code, 1, ran.stderr);
      assert.match(ran.stderr, /threw outside of its evaluation.*: Error: too late \(.*problem\.ts:3:\d+\)/);
      assert.doesNotMatch(ran.stderr, /\n {4}at /);
      assert.equal(jsonLines(ran)[0].stopped, true);
      const [{ state }] = jsonLines(await unum(["islands", "status", "stray", "--json"], { home }));
      assert.equal(state, "stopped");
    });
  }

  it("says after a candidate took it along what finds such a candidate, and without --in-process it is found", async () => {
    const { home, file } = await fileDoing('process.kill(process.pid, "SIGKILL")');
    const run = ["islands", "run", file, ...FEW, ...SHORT, "--name", "gone", "--in-process"];
    assert.notEqual((await unum(run, { home })).code, 0);
    const again = await unum(["islands", "resume", "gone", "--in-process"], { home });
    assert.notEqual(again.code, 0);
    assert.match(again.stderr, /ended without a word: killed, or taken along by a candidate.*leave out --in-process/);
    const found = await unum(["islands", "resume", "gone", "--json"], { home });
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stderr, /a candidate ended its process each time it was evaluated/);
    assert.ok(jsonLines(found)[0].quarantined >= 1);
  });
});
