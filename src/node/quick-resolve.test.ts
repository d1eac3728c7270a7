import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const QUICK = new URL("./quick-resolve.ts", import.meta.url).href;
const INDEX = new URL("../index.ts", import.meta.url).href;
const LIMIT_MS = 120_000;

/** What is loaded for all of Unum's exports, in order of names. */
async function loadedWith(flags: readonly string[]): Promise<readonly string[]> {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url + " " + context.format); return next(url, context); } });
    await import(${JSON.stringify(INDEX)});
    console.log(JSON.stringify(loaded.sort()));`;
  const { stdout } = await run(process.execPath, [...flags, "--input-type=module", "--eval", script], {
    timeout: LIMIT_MS,
  });
  return JSON.parse(stdout);
}

describe("finding modules quickly", () => {
  it("finds the same ones, of the same kinds, as Node does by itself", async () => {
    const [quick, usual] = await Promise.all([loadedWith(["--import", QUICK]), loadedWith([])]);
    assert.ok(usual.length > 100, `${usual.length} modules`);
    assert.deepEqual(quick, usual);
  });

  it("leaves what is not there to be told as Node tells it", async () => {
    const missing = JSON.stringify(new URL("../nothing/there.ts", import.meta.url).href);
    const script = `await import(${missing}).catch((error) => console.log(error.code));`;
    const { stdout } = await run(process.execPath, ["--import", QUICK, "--input-type=module", "--eval", script], {
      timeout: LIMIT_MS,
    });
    assert.equal(stdout.trim(), "ERR_MODULE_NOT_FOUND");
  });
});
