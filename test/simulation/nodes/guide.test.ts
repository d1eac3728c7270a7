// The guide to testing, done as it is written: its first example, with fewer seeds.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);

it("the guide's example of a component on a simulated node runs as it stands", async () => {
  const guide = readFileSync(join(ROOT, "docs/guide/testing.md"), "utf8");
  const [, example = ""] = /```ts\n(import[\s\S]*?)```/.exec(guide) ?? [];
  assert.match(example, /seed <= 100/);
  // Inside the checkout, where the package finds itself by its name.
  mkdirSync(join(ROOT, ".unum"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".unum", "guide-"));
  try {
    cpSync(join(ROOT, "examples/01-one-process/components"), join(folder, "components"), { recursive: true });
    writeFileSync(join(folder, "days.ts"), example.replace("seed <= 100", "seed <= 10"));
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const args = ["--test-reporter=tap", join(folder, "days.ts")];
    const { stdout } = await run(process.execPath, args, { timeout: 100_000, env: environment });
    assert.match(stdout, /^# pass 10$/m);
    assert.match(stdout, /^# fail 0$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
