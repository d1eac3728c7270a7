// Real processes below this one: found, counted, paused and let run again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { pauseBelow, processesBelow, processorOfAll, resumeBelow } from "./process-tree.ts";
import { systemResources } from "./resources.ts";

const skip = process.platform === "linux" ? false : "needs Linux";
const LIMIT_MS = 60_000;

const ownMs = async (pid: number) => (await processorOfAll([pid])).get(pid)?.ownMs ?? assert.fail(`${pid} is there`);

let ended: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  await ended?.();
  ended = undefined;
});

/** A shell that starts another that never rests; settles with both. */
async function spinning(): Promise<readonly [number, number]> {
  const outer = spawn("sh", ["-c", "sh -c 'while :; do :; done' & wait"], { stdio: "ignore", detached: true });
  const pid = outer.pid ?? assert.fail("it is started");
  const gone = new Promise((resolve) => outer.once("exit", resolve));
  ended = () => {
    process.kill(-pid, "SIGKILL");
    return gone;
  };
  const inner = await until(async () => (await processesBelow(pid))[0]);
  return [pid, inner];
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + LIMIT_MS; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < end, "it is not seen in time");
    await new Promise((soon) => setTimeout(soon, 10));
  }
}

const stateOf = (pid: number) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];

describe("the processes below one", { skip }, () => {
  it("are found, and what they use of processors is counted with it", async () => {
    const [outer, inner] = await spinning();
    assert.deepEqual(await processesBelow(outer), [inner]);
    assert.deepEqual(await processesBelow(2 ** 22 + 5), []);
    const used = await until(async () => {
      const ms = await systemResources().processorMsOf(outer);
      return ms !== undefined && ms >= 200 ? ms : undefined;
    });
    assert.ok((await ownMs(outer)) < used, "the one that spins is the one below");
    assert.equal(await systemResources().processorMsOf(2 ** 22 + 5), undefined);
    assert.equal((await processorOfAll([2 ** 22 + 5])).size, 0);
  });

  it("are found though another thread than the first started them, where it is looked thoroughly", async () => {
    const threaded = `new (require("node:worker_threads").Worker)(
      'const { spawn } = require("node:child_process"); spawn("sleep", ["1000"]); setInterval(() => {}, 1e6)', { eval: true })`;
    const outer = spawn(process.execPath, ["-e", threaded], { stdio: "ignore", detached: true });
    const pid = outer.pid ?? assert.fail("it is started");
    const gone = new Promise((resolve) => outer.once("exit", resolve));
    ended = () => {
      process.kill(-pid, "SIGKILL");
      return gone;
    };
    const inner = await until(async () => (await processesBelow(pid, { thorough: true }))[0]);
    assert.match(readFileSync(`/proc/${inner}/cmdline`, "latin1"), /^sleep/);
    assert.deepEqual(await processesBelow(pid), []);
  });

  it("stand still while they are paused, without the one above, and go on then", async () => {
    const [outer, inner] = await spinning();
    await pauseBelow(outer);
    await until(async () => (stateOf(inner) === "T" ? true : undefined));
    assert.notEqual(stateOf(outer), "T");
    const before = await ownMs(inner);
    await new Promise((soon) => setTimeout(soon, 300));
    assert.equal(await ownMs(inner), before);
    await resumeBelow(outer);
    await until(async () => ((await ownMs(inner)) > before ? true : undefined));
  });

  it("that were waited for count with who waited", async () => {
    const outer = spawn("sh", ["-c", "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; read x"]);
    const pid = outer.pid ?? assert.fail("it is started");
    ended = () => {
      const gone = new Promise((resolve) => outer.once("exit", resolve));
      outer.stdin.end();
      return gone;
    };
    const waitedMs = async () => (await processorOfAll([pid])).get(pid)?.waitedMs ?? 0;
    await until(async () => ((await waitedMs()) >= 50 ? true : undefined));
    assert.deepEqual(await processesBelow(pid), []);
  });

  it("that were ended with who would have waited for them stay counted", async () => {
    const outer = spawn("sh", ["-c", "sh -c 'sh -c \"while :; do :; done\" & wait' & read x"]);
    const pid = outer.pid ?? assert.fail("it is started");
    ended = () => {
      const gone = new Promise((resolve) => outer.once("exit", resolve));
      outer.stdin.end();
      return gone;
    };
    const resources = systemResources();
    const [middle, inner] = await until(async () => {
      const [first, second] = await processesBelow(pid);
      return first !== undefined && second !== undefined ? ([first, second] as const) : undefined;
    });
    const used = await until(async () => {
      const ms = (await resources.processorMsOf(pid)) ?? 0;
      return ms >= 200 ? ms : undefined;
    });
    for (const each of [middle, inner]) process.kill(each, "SIGKILL");
    await until(async () => ((await processorOfAll([inner])).size === 0 ? true : undefined));
    assert.ok(((await resources.processorMsOf(pid)) ?? 0) >= used);
  });
});
