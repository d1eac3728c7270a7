// One keeper for a folder, whoever comes at the same time, whatever was left behind.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, beforeEach, describe, it } from "node:test";

/** Takes the lock, says what came of it, and keeps it until its input ends. */
const TAKE = `
  const { takeKeeperLock } = await import(${JSON.stringify(new URL("./keeper-lock.ts", import.meta.url).href)});
  const { systemProcesses } = await import(${JSON.stringify(new URL("../system/processes.ts", import.meta.url).href)});
  const { systemClock } = await import(${JSON.stringify(new URL("../system/clock.ts", import.meta.url).href)});
  const answer = await takeKeeperLock("/components", systemProcesses(systemClock()), systemClock());
  console.log(JSON.stringify({ kind: answer.kind, by: answer.by?.pid, pid: process.pid }));
  if (process.argv[1] === "up") answer.markUp?.();
  for await (const _ of process.stdin);
  if (process.argv[1] !== "") answer.release?.();
`;

describe("the lock of a keeper", () => {
  let home = "";
  const homes: string[] = [];
  const lock = () => join(home, "run", "keeper.lock");
  const start = async (release = "") => {
    const env = { ...process.env, UNUM_HOME: home };
    const args = ["--input-type=module", "-e", TAKE, release];
    const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "close");
    const [line] = await once(createInterface(child.stdout), "line");
    const end = () => {
      child.stdin.end();
      return ended;
    };
    return { answer: JSON.parse(line), end };
  };
  const take = async (release?: string) => {
    const { answer, end } = await start(release);
    await end();
    return answer;
  };
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "unum-lock-"));
    homes.push(home);
    await mkdir(join(home, "run"));
  });
  after(() => Promise.all(homes.map((each) => rm(each, { recursive: true }))));

  it("is taken once of many who want it at the same time, though an old one is in the way", async () => {
    await writeFile(lock(), JSON.stringify({ pid: 1, startTime: "never", folder: "/", sinceMs: 0 }));
    const all = await Promise.all(Array.from({ length: 6 }, () => start()));
    const answers = all.map(({ answer }) => answer);
    const [taken, ...others] = answers.filter(({ kind }) => kind === "taken");
    assert.deepEqual(others, []);
    for (const { kind, by } of answers) if (kind === "held") assert.equal(by, taken.pid);
    assert.equal(JSON.parse(await readFile(lock(), "utf8")).pid, taken.pid);
    assert.deepEqual(await readdir(join(home, "run")), ["keeper.lock"]);
    await Promise.all(all.map(({ end }) => end()));
  });

  it("says when the node is up, and is given back then too", async () => {
    const { answer, end } = await start("up");
    await until(async () => JSON.parse(await readFile(lock(), "utf8")).up === true);
    assert.equal(JSON.parse(await readFile(lock(), "utf8")).pid, answer.pid);
    await end();
    assert.deepEqual(await readdir(join(home, "run")), []);
  });

  it("is given back, and taken over from one that was killed or whose file says nothing", async () => {
    assert.equal((await take("release")).kind, "taken");
    assert.deepEqual(await readdir(join(home, "run")), []);
    assert.equal((await take()).kind, "taken");
    assert.equal((await take()).kind, "taken", "who had it has ended");
    await writeFile(lock(), "half a fi");
    assert.equal((await take()).kind, "taken");
    await writeFile(`${lock()}.next`, "by one that was killed while it took over");
    assert.equal((await take()).kind, "taken");
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((soon) => setTimeout(soon, 10));
}
