// A program run in another one's place, as a shell would see it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";

/** A Node that hands over to a Node that runs `program`. */
function handingOver(program: string) {
  const outer = `
    import { handOver } from ${JSON.stringify(new URL("./hand-over.mjs", import.meta.url).href)};
    process.exitCode = await handOver(process.execPath, ["-e", ${JSON.stringify(program)}]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", outer], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  const saidOnce = new Promise<void>((resolve) => {
    child.stdout.on("data", (bytes) => {
      output += bytes;
      resolve();
    });
  });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, output }));
  });
  return { child, saidOnce, ended };
}

describe("a program in another one's place", () => {
  it("ends it with its own exit code, and has its input and output", async () => {
    const { child, ended } = handingOver(
      `process.stdin.on("data", (text) => { console.log("heard " + text); process.exit(7); })`,
    );
    child.stdin.end("this");
    assert.deepEqual(await ended, { code: 7, output: "heard this\n" });
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`gets the ${signal} that was meant for it, once`, async () => {
      const program = `
        let times = 0;
        process.on("${signal}", () => { times++; setImmediate(() => { console.log("got " + times); process.exit(3); }); });
        setInterval(() => {}, 1000);
        console.log("ready");`;
      const { child, saidOnce, ended } = handingOver(program);
      await saidOnce;
      child.kill(signal);
      assert.deepEqual(await ended, { code: 3, output: "ready\ngot 1\n" });
    });
  }

  it("that a signal ended is told as shells tell it", async () => {
    const { ended } = handingOver(`process.kill(process.pid, "SIGKILL")`);
    assert.equal((await ended).code, 137);
  });
});
