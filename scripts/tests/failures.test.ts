// What is told of a failed test at the end of a run.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, describe, it, run } from "node:test";
import { root } from "../verbs/root.ts";
import { Failures } from "./failures.ts";

const folder = mkdtempSync(join(tmpdir(), "unum-failures-"));
after(() => rmSync(folder, { recursive: true }));

const FILE = `import assert from "node:assert";
import { describe, it } from "node:test";
describe("a house", () => {
  it("stands", () => {});
  it("has a roof", () => { console.error("it rains"); assert.equal("open sky", "roof"); });
  it("has no floor yet", { todo: true }, () => assert.fail("no floor"));
});
`;

async function linesOf(text: string): Promise<readonly string[]> {
  const file = join(folder, "house.test.mjs");
  writeFileSync(file, text);
  const failures = new Failures();
  // Node refuses to run tests within tests, which is how it would look from inside.
  const context = process.env["NODE_TEST_CONTEXT"];
  delete process.env["NODE_TEST_CONTEXT"];
  try {
    for await (const event of run({ files: [file], cwd: root })) failures.see(event);
  } finally {
    process.env["NODE_TEST_CONTEXT"] = context;
  }
  return failures.lines;
}

describe("the end of a run", () => {
  it("tells each test that failed with its file, its error, and what the file said last", async () => {
    const lines = await linesOf(FILE);
    const told = lines.filter((line) => line.startsWith("failed: "));
    assert.deepEqual(told, [`failed: ${relative(root, join(folder, "house.test.mjs"))} › has a roof`]);
    const text = lines.join("\n");
    assert.match(text, /open sky/);
    assert.match(text, /house\.test\.mjs:5:/);
    assert.match(text, /standard error of .*house\.test\.mjs ended with:\n {2}it rains/);
  });

  it("tells of a file that does not even load", async () => {
    const lines = await linesOf("throw new Error('no foundation');\n");
    assert.match(lines.join("\n"), /failed: .*house\.test\.mjs/);
    assert.match(lines.join("\n"), /no foundation/);
  });

  it("tells nothing where nothing failed", async () => {
    assert.deepEqual(await linesOf(FILE.replace("open sky", "roof")), []);
  });
});
