import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { sleep } from "../base/clock.ts";
import type { Processes, SpawnSettings, WatchedProcess } from "../base/processes.ts";
import { systemClock } from "./clock.ts";
import { pidsFromPs, processStatus, statusFromPs, statusOfStat } from "./process-table.ts";
import { systemProcesses } from "./processes.ts";

const clock = systemClock();
const processes: Processes = systemProcesses(clock);
const folder = mkdtempSync(join(tmpdir(), "unum-processes-"));
const started: WatchedProcess[] = [];
let logs = 0;

after(() => {
  for (const each of started) each.signal("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function settings(source: string, set: Partial<SpawnSettings> = {}): SpawnSettings {
  const logPath = join(folder, `${++logs}.log`);
  return { program: process.execPath, arguments: ["--eval", source], environment: {}, folder, logPath, ...set };
}

async function run(source: string, set: Partial<SpawnSettings> = {}) {
  const given = settings(source, set);
  const watched = await processes.spawn(given);
  started.push(watched);
  return { watched, log: () => readFileSync(given.logPath, "utf8") };
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = clock.now() + 120_000;
  while (!holds()) {
    if (clock.now() > deadline) throw new Error(`never came true: ${holds}`);
    await sleep(clock, 10);
  }
}

const FOREVER = "setInterval(() => {}, 1000); console.log('up')";

describe("a process that was started", () => {
  it("writes what it says into its log and tells how it ended", async () => {
    const { watched, log } = await run("console.log('said'); console.error('cried'); process.exitCode = 3");
    assert.deepEqual(await watched.exited, { code: 3, signal: undefined });
    assert.deepEqual(log().trim().split("\n").sort(), ["cried", "said"]);
    assert.equal(watched.isRunning(), false);
    assert.equal(watched.signal("SIGTERM"), false);
  });

  it("appends to the log of one before", async () => {
    const logPath = join(folder, "shared.log");
    await (await run("console.log(1)", { logPath })).watched.exited;
    await (await run("console.log(2)", { logPath })).watched.exited;
    assert.equal(readFileSync(logPath, "utf8"), "1\n2\n");
  });

  it("has the environment it was given and nothing else", async () => {
    const { watched, log } = await run("console.log(JSON.stringify(process.env))", { environment: { ONE: "1" } });
    await watched.exited;
    assert.deepEqual(JSON.parse(log()), { ONE: "1" });
  });

  it("tells the signal that ended it", async () => {
    const { watched, log } = await run(FOREVER);
    await until(() => log() === "up\n");
    assert.equal(watched.isRunning(), true);
    assert.equal(watched.signal("SIGTERM"), true);
    assert.deepEqual(await watched.exited, { code: undefined, signal: "SIGTERM" });
  });

  it("stands still and goes on when told to", { skip: process.platform !== "linux" && "no /proc" }, async () => {
    const { watched, log } = await run("setInterval(() => console.log('tick'), 5)");
    await until(() => log().length > 0);
    watched.signal("SIGSTOP");
    const standsStill = () => / T /.test(readFileSync(`/proc/${watched.id.pid}/stat`, "latin1"));
    await until(standsStill);
    const length = log().length;
    assert.equal(watched.isRunning(), true);
    await sleep(clock, 50);
    assert.equal(log().length, length);
    watched.signal("SIGCONT");
    await until(() => log().length > length);
    watched.signal("SIGKILL");
    await watched.exited;
  });

  it("takes what it started with it when it is killed", async () => {
    const { watched, log } = await run(
      `const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(FOREVER)}]); console.log(child.pid); setInterval(() => {}, 1000)`,
    );
    await until(() => /\d+\n/.test(log()));
    const child = Number(log());
    assert.notEqual(processes.startTimeOf(child), undefined);
    watched.signal("SIGKILL");
    await watched.exited;
    await until(() => processes.startTimeOf(child) === undefined);
  });

  it("lives on when who started it is gone, and is adopted", async () => {
    const given = settings(FOREVER);
    const module = new URL("./processes.ts", import.meta.url).href;
    const clockModule = new URL("./clock.ts", import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--input-type=module",
      "--eval",
      `import { systemProcesses } from ${JSON.stringify(module)}; import { systemClock } from ${JSON.stringify(clockModule)};
       const { id } = await systemProcesses(systemClock()).spawn(${JSON.stringify(given)}); console.log(JSON.stringify(id));`,
    ]);
    const adopted = processes.adopt(JSON.parse(stdout));
    assert.ok(adopted);
    started.push(adopted);
    await until(() => readFileSync(given.logPath, "utf8") === "up\n");
    assert.equal(adopted.isRunning(), true);
    assert.equal(adopted.signal("SIGTERM"), true);
    assert.deepEqual(await adopted.exited, { code: undefined, signal: undefined });
    assert.equal(adopted.signal("SIGKILL"), false);
  });

  it("is found by a word of its arguments, as long as it runs, and nobody else is", async () => {
    const word = `w${Math.random().toString(36).slice(2)}`;
    const { watched } = await run(FOREVER, { arguments: ["--eval", FOREVER, JSON.stringify({ nonce: word })] });
    assert.deepEqual(processes.withArgument(word), [watched.id]);
    assert.deepEqual(pidsFromPs(word), [watched.id.pid]);
    assert.deepEqual(processes.withArgument(process.argv[1] ?? ""), [], "this process is not meant");
    watched.signal("SIGKILL");
    await watched.exited;
    assert.deepEqual(processes.withArgument(word), []);
  });

  const wrong: [string, Partial<SpawnSettings>, RegExp][] = [
    ["no such program", { program: "/no/such/program" }, /cannot start \/no\/such\/program .*no such program/],
    ["no such folder", { folder: "/no/such/folder" }, /in \/no\/such\/folder: .*no such folder/],
    ["a program that is none", { program: folder }, /no right to/],
    [
      "a log in no folder",
      { logPath: join(folder, "no", "log") },
      /cannot open the log .*no\/log: there is no such file/,
    ],
  ];
  for (const [what, set, message] of wrong) {
    it(`does not come to be with ${what}`, async () => {
      await assert.rejects(processes.spawn(settings("", set)), { name: "Fault", message });
    });
  }
});

describe("a process that somebody else started", () => {
  it("is told of when it ends", async () => {
    const child = spawn(process.execPath, ["-e", FOREVER], { stdio: "ignore" });
    const pid = child.pid ?? 0;
    const adopted = processes.adopt({ pid, startTime: processes.startTimeOf(pid) ?? "" });
    assert.ok(adopted);
    const gone = once(child, "exit");
    assert.equal(adopted.signal("SIGKILL"), true);
    await adopted.exited;
    await gone;
    assert.equal(processes.adopt(adopted.id), undefined);
  });

  it("is left alone when its number belongs to another", async () => {
    const child = spawn(process.execPath, ["-e", FOREVER], { stdio: "ignore" });
    const pid = child.pid ?? 0;
    assert.equal(processes.adopt({ pid, startTime: "another:1" }), undefined);
    assert.equal(processes.startTimeOf(pid) === undefined, false);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(processes.startTimeOf(pid), undefined);
  });

  it("is not watched any more once released, and the watching ends with it", async () => {
    const child = spawn(process.execPath, ["-e", FOREVER], { stdio: "ignore" });
    const adopted = processes.adopt({ pid: child.pid ?? 0, startTime: processes.startTimeOf(child.pid ?? 0) ?? "" });
    assert.ok(adopted);
    adopted.release();
    let told = false;
    adopted.exited.then(() => {
      told = true;
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(adopted.isRunning(), false);
    await sleep(clock, 20);
    assert.equal(told, false);
  });

  it("counts as ended when only its parent has not noticed yet", {
    skip: !existsSync("/bin/sh") && "no /bin/sh",
  }, async () => {
    // The shell's child ends while the shell has become a program that never asks for it.
    const shell = spawn("/bin/sh", ["-c", "sleep 0 & echo $!; exec sleep 600"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = await once(shell.stdout, "data");
    const pid = Number(String(line));
    await until(() => processes.startTimeOf(pid) === undefined);
    shell.kill("SIGKILL");
    await once(shell, "exit");
  });
});

describe("the table of processes", () => {
  it("reads the start whatever the program is called", () => {
    const fields = "S 1 1 1 0 -1 4194304 101 0 0 0 0 0 0 0 20 0 1 0 295677 3133440 413";
    for (const name of ["cat", "a b", ") S 1 (", "x) Z 9"]) {
      assert.deepEqual(statusOfStat(`18583 (${name}) ${fields}`, "boot"), { startTime: "boot:295677", running: true });
    }
    assert.equal(statusOfStat(`1 (x) ${fields.replace("S", "Z")}`, "boot")?.running, false);
    for (const text of ["", "1", "1 (x", "1 (x) S 1 2"]) assert.equal(statusOfStat(text, "boot"), undefined);
  });

  it("says the same start each time, and another of another process", async () => {
    const { watched } = await run(FOREVER);
    const own = processStatus(process.pid)?.startTime;
    assert.equal(processStatus(process.pid)?.startTime, own);
    assert.notEqual(processStatus(watched.id.pid)?.startTime, own);
    assert.equal(processStatus(watched.id.pid)?.startTime, watched.id.startTime);
    watched.signal("SIGKILL");
    await watched.exited;
  });

  it("is read by ps where there is no other way", () => {
    const status = statusFromPs(process.pid);
    assert.equal(status?.running, true);
    assert.match(status?.startTime ?? "", /\d\d:\d\d:\d\d \d{4}$/);
    assert.equal(statusFromPs(2 ** 22 + 5), undefined);
  });
});
