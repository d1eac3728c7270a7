// Whole runs over test files that hang, leave something behind, or fail once: every one of them ends, and says which and why.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "unum-runs-"));
after(() => rmSync(folder, { recursive: true }));

const HOLDS = `import { it } from "node:test";\nit("holds", () => {});\n`;
const linux = { skip: process.platform === "linux" ? false : "needs /proc" };

interface Asked {
  readonly options?: object;
  readonly env?: NodeJS.ProcessEnv;
}

async function run(name: string, files: Readonly<Record<string, string>>, { options = {}, env = {} }: Asked = {}) {
  const home = join(folder, name);
  mkdirSync(home);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text);
  const program = join(home, "run.mjs");
  const paths = JSON.stringify(Object.keys(files).map((file) => join(home, file)));
  const runner = JSON.stringify(join(import.meta.dirname, "run-files.ts"));
  writeFileSync(
    program,
    `import { runFiles } from ${runner};\nawait runFiles(${paths}, ${JSON.stringify(options)});\nprocess.exit();\n`,
  );
  const environment: NodeJS.ProcessEnv = { ...process.env, ...env };
  // Node refuses to run tests within tests, which is how it would look from inside.
  delete environment["NODE_TEST_CONTEXT"];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [program], { env: environment, timeout: 110_000 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  return { output, last: output.trimEnd().split("\n").at(-1) };
}

describe("a run of test files ends, and says why, where one of them", () => {
  it("takes no SIGTERM and waits for ever", linux, async () => {
    const hangs = `${HOLDS}process.on("SIGTERM", () => {});\nit("waits", () => new Promise(() => setInterval(() => {}, 1e3)));\n`;
    const files = { "hangs.test.mjs": hangs, "holds.test.mjs": HOLDS };
    const { output, last } = await run("waits", files, { options: { limitMinutes: 0.05 } });
    assert.match(output, /killed: .*hangs\.test\.mjs did not end within 8 s/);
    assert.match(output, /failed: .*hangs\.test\.mjs › waits/);
    assert.equal(last, "2 passed, 1 failed, 0 skipped", output);
  });

  it("never lets go of its processor", linux, async () => {
    const spins = `${HOLDS}it("spins", () => { for (;;); });\n`;
    const { output, last } = await run("spins", { "spins.test.mjs": spins }, { options: { limitMinutes: 0.05 } });
    assert.match(output, /killed: .*spins\.test\.mjs did not end within 8 s/);
    assert.match(last ?? "", /^[01] passed, 1 failed, 0 skipped$/, output);
  });

  it("passes and leaves a timer", async () => {
    const files = { "timer.test.mjs": `${HOLDS}setInterval(() => {}, 1e3);\n` };
    const { output, last } = await run("timer", files, { env: { UNUM_TEST_END_MS: "500" } });
    assert.match(output, /The tests of .*timer\.test\.mjs are over, and it does not end: .*Timeout/);
    assert.equal(last, "1 passed, 1 failed, 0 skipped", output);
  });

  it("passes and leaves a process that holds its output", linux, async () => {
    const leaves = `${HOLDS}import { spawn } from "node:child_process";\nspawn("sleep", ["300"], { stdio: "inherit", detached: true }).unref();\n`;
    const { output, last } = await run("leaves", { "leaves.test.mjs": leaves });
    assert.match(output, /left behind by .*leaves\.test\.mjs, and killed: \d+ sleep 300/);
    assert.equal(last, "1 passed, 0 failed, 0 skipped", output);
  });
});

describe("a file that failed", () => {
  const once = `${HOLDS}import { existsSync, writeFileSync } from "node:fs";
const mark = new URL("mark", import.meta.url);
it("is late once", () => { if (!existsSync(mark)) { writeFileSync(mark, ""); throw new Error("late"); } });\n`;
  const never = `import { it } from "node:test";\nit("fails", () => { throw new Error("no"); });\n`;
  const options = { again: true };

  it("is run again alone, and named as unsteady when it passes then", async () => {
    const { output, last } = await run("once", { "once.test.mjs": once, "holds.test.mjs": HOLDS }, { options });
    assert.match(output, /\nunsteady: .*once\.test\.mjs failed among others and passed alone\n/);
    assert.match(output, /failed: .*once\.test\.mjs › is late once/);
    assert.equal(last, "3 passed, 0 failed, 0 skipped", output);
  });

  it("has failed when it fails again", async () => {
    const { output, last } = await run("never", { "never.test.mjs": never, "once.test.mjs": once }, { options });
    assert.match(output, /\nunsteady: .*once\.test\.mjs/);
    assert.doesNotMatch(output, /unsteady: .*never\.test\.mjs/);
    assert.equal(last, "2 passed, 1 failed, 0 skipped", output);
  });
});
