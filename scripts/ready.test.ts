// What the two commands do with what they are given.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { envWithNode, nodeIsNewEnough } from "./ready/runtime.mjs";

const folder = mkdtempSync(join(tmpdir(), "unum-ready-"));
after(() => rmSync(folder, { recursive: true }));

// Node refuses to run tests within tests, which is how it would look from inside.
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

function ready(...args: string[]) {
  const script = join(import.meta.dirname, "ready.mjs");
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env, timeout: 60_000 });
}

describe("ready", () => {
  it("names its verbs when asked", () => {
    const { status, stdout } = ready("--help");
    assert.equal(status, 0);
    for (const verb of ["tour", "test", "check", "nightly", "bench", "generate"])
      assert.match(stdout, new RegExp(`^  ${verb} `, "m"));
  });

  const wrong: readonly [args: string[], says: RegExp][] = [
    [[], /^No verb was given/],
    [["tset"], /^'tset' is not a verb/],
    [["toString"], /^'toString' is not a verb/],
    [["test", "no/such/place"], /^No test file has 'no\/such\/place' in its path/],
    [["test", "--nmae"], /--nmae/],
    [["test", "--concurrency", "0"], /--concurrency 0/],
    [["check", "--fast"], /^'--fast' is not an option of check/],
    [["test", "--limit", "none"], /--limit none/],
    [["nightly", "nothing"], /^There is no long test 'nothing'/],
    [["bench", "nothing"], /^There is no bench 'nothing'/],
  ];
  for (const [args, says] of wrong) {
    it(`ends with 2 and help when asked for: ${args.join(" ") || "nothing"}`, () => {
      const { status, stderr } = ready(...args);
      assert.equal(status, 2);
      assert.match(stderr, says);
    });
  }

  it("ends a test run with what was skipped, what failed with its error, and the counts", () => {
    const tests = `
      import { it } from "node:test";
      it("holds", () => {});
      it("does not", () => { throw new Error("no"); });
      it("cannot be seen here", { skip: "needs a tool" }, () => {});`;
    writeFileSync(join(folder, "sample.test.ts"), tests);
    writeFileSync(join(folder, "broken.test.ts"), "export const a: = 1;");
    const program = `
      import { runFiles } from ${JSON.stringify(join(import.meta.dirname, "tests", "run-files.ts"))};
      await runFiles(${JSON.stringify([join(folder, "sample.test.ts"), join(folder, "broken.test.ts")])});`;
    writeFileSync(join(folder, "run.mjs"), program);
    const { stdout } = spawnSync(process.execPath, [join(folder, "run.mjs")], { encoding: "utf8", env });
    const lines = stdout.trimEnd().split("\n");
    const end = lines.slice(lines.indexOf("skipped: cannot be seen here: needs a tool"));
    assert.equal(end.at(-1), "1 passed, 2 failed, 1 skipped");
    const failed = end.filter((line) => line.startsWith("failed: ")).map((line) => line.replace(/.*\//, ""));
    assert.deepEqual(failed.sort(), ["broken.test.ts", "sample.test.ts › does not"]);
    assert.ok(end.includes("  Error: no"), stdout);
    assert.match(end.join("\n"), /Expression expected|SyntaxError/);
  });
});

describe("the Node that runs Unum", () => {
  it("is the one at hand from 24 on", () => {
    assert.deepEqual(["18.20.0", "23.11.1", "24.0.0", "26.10.0"].map(nodeIsNewEnough), [false, false, true, true]);
  });

  it("comes first in its children's PATH, once", () => {
    const before = process.env["PATH"];
    try {
      process.env["PATH"] = "/usr/bin";
      const { PATH = "" } = envWithNode("/opt/node/bin/node");
      assert.equal(PATH, "/opt/node/bin:/usr/bin");
      process.env["PATH"] = PATH;
      assert.equal(envWithNode("/opt/node/bin/node")["PATH"], PATH);
    } finally {
      process.env["PATH"] = before;
    }
  });
});
