// unum tour: its exit code tells the truth, and no process is left behind.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { processesWith, runs, until } from "./node.ts";
import { cleanUp, endOf, jsonLines, LIMIT, root, scratch, start, unum } from "./unum.ts";

after(cleanUp);

/** Enough that a kill meets calls in flight. */
async function someFiles(): Promise<string> {
  const files: Record<string, string> = {};
  for (let n = 0; n < 300; n++) files[`folder-${n % 7}/file-${n}.txt`] = `${n} `.repeat(20 + n * 20);
  return scratch(files);
}

describe("unum tour", LIMIT, () => {
  it("accounts for every file while a container and the governor are killed and the code changes, and compares every figure", async () => {
    const files = await someFiles();
    const ended = await unum(["tour", "node", "--files", files, "--json"]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    const [report] = jsonLines(ended);
    assert.deepEqual([report.chapter, report.sound], ["node", true]);
    assert.deepEqual([report.files, report.answered, report.failed, report.differences], [300, 300, 0, []]);
    assert.ok(report.kill.inFlight > 0);
    assert.ok(report.retries >= report.kill.inFlight, "what was in flight is sent again");
    assert.deepEqual(report.governor.kept, report.governor.containers);
    assert.notEqual(report.governor.next, report.governor.pid);
    assert.deepEqual([report.change.from, report.change.to], ["1.0.0", "1.1.0"]);
    assert.ok(report.change.byOld > 0 && report.change.byNew > 0);
    assert.equal(report.calls, report.change.byOld + report.change.byNew);
    assert.equal(ended.stderr, "");
    assert.deepEqual([report.kill.pid, report.governor.pid, report.governor.next].filter(runs), []);
  });

  it("shows people what it does, what is killed, and what it found", async () => {
    const ended = await unum(["tour", "--files", await someFiles(), "--limit", "0.5"]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    assert.match(ended.stderr, /kill -9 \d+: container k\w+, with \d+ calls? in flight\n/);
    assert.match(ended.stderr, /kill -9 \d+: the governor\n/);
    assert.match(ended.stderr, /digest\.ts is changed: version 1\.0\.0 becomes 1\.1\.0\n/);
    assert.match(ended.stdout, /^files +(\d+) of \1 answered, 0\.5 MB; \d+ larger ones/m);
    assert.match(ended.stdout, /^failed +0, sent again [\d,]+$/m);
    assert.match(ended.stdout, /^Next:$/m);
  });

  it("fails where a component answers with a wrong figure, and names the file", async () => {
    const gen = join(root, "components/digest/gen/digest_pb.ts");
    const good = join(root, "components/digest/digest.ts");
    const components = await scratch({
      "digest.ts": `import good from ${JSON.stringify(good)};
import { component } from "unum";
import { Digest } from ${JSON.stringify(gen)};
const ofFile = [...good.handlers.values()][0];
export default component(Digest, {
  async ofFile(input, call) {
    const answer = await ofFile(input, call);
    return input.path.endsWith("file-123.txt") ? { ...answer, gzipBytes: answer.gzipBytes + 1n } : answer;
  },
  async *ofFolder() {},
}, { version: "2.0.9" });
`,
    });
    const before = await readFile(join(components, "digest.ts"), "utf8");
    const ended = await unum(["tour", "node", "--files", await someFiles(), "--components", components, "--json"]);
    assert.equal(ended.code, 1, ended.stderr);
    const [report] = jsonLines(ended);
    assert.equal(report.sound, false);
    assert.deepEqual(report.differences, [{ path: "folder-4/file-123.txt", why: "the digests differ" }]);
    assert.equal(await readFile(join(components, "digest.ts"), "utf8"), before, "only a copy is changed");
  });

  it("fails, and says why, where nothing is served", async () => {
    const components = await scratch({ "digest.ts": "const broken = ;\n" });
    const { code, stdout } = await unum(["tour", "node", "--files", await someFiles(), "--components", components]);
    assert.equal(code, 1);
    assert.match(stdout, /the node serves nothing:[\s\S]*digest\.ts:1:16/);
    assert.match(stdout, /The tour FAILED: node/);
  });

  it("takes files through a flow whose router is killed, and accounts for every package", async () => {
    const ended = await unum(["tour", "flows", "--files", await someFiles(), "--json"]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    const [report] = jsonLines(ended);
    assert.deepEqual([report.chapter, report.sound, report.exitCode, report.wrong], ["flows", true, 0, []]);
    assert.ok(report.endedBefore > 0 && report.endedBefore < report.files, JSON.stringify(report));
    assert.ok(!runs(report.killed));
  });

  it("packs a program, cuts a node off, accounts for every message, and upgrades under calls", async () => {
    const ended = await unum(["tour", "programs", "--json"]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    const [report] = jsonLines(ended);
    assert.deepEqual([report.chapter, report.sound, report.nodes], ["programs", true, 3]);
    assert.deepEqual([report.sent, report.arrived, report.expired, report.inOrder], [40, 20, 20, true]);
    assert.deepEqual([report.upgrade.versions, report.upgrade.failed], [["1.2.0", "1.3.0"], []]);
    assert.ok(report.upgrade.calls >= 100);
    assert.deepEqual(report.left, []);
    assert.ok(!runs(report.cut));
  });

  it("solves with four islands what none of their engines solves alone, while one is killed", async () => {
    const ended = await unum(["tour", "islands", "--json"]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    const [report] = jsonLines(ended);
    assert.deepEqual([report.chapter, report.sound, report.same], ["islands", true, true]);
    assert.ok(report.killed > 0 && report.recoveries > 0);
    assert.ok(Object.values<number>(report.alone).every((above) => above > 1e-8));
  });

  it("names a chapter and a folder that are not there", async () => {
    const wrong = async (args: string[], expected: RegExp) => {
      const { code, stderr } = await unum(["tour", ...args]);
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await wrong(["nod"], /no chapter 'nod'; did you mean 'node'/);
    await wrong(["--files", "/no/such/folder"], /there is no folder \/no\/such\/folder/);
    await wrong(["--limit", "much"], /'much' is not a number of megabytes/);
  });

  it("leaves no process behind when it is interrupted", async () => {
    const folder = await scratch();
    const child = start(["tour", "node"], { env: { TMPDIR: folder } });
    const ended = endOf(child);
    const pids = await until(
      "it works",
      () => processesBelow(folder),
      ({ length }) => length >= 4,
    );
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
    assert.deepEqual(pids.filter(runs), []);
    assert.deepEqual(await readdir(folder), []);
  });

  // Of three nodes the keepers and governors, and two containers.
  for (const [chapter, processes] of [
    ["node", 4],
    ["programs", 8],
  ] as const)
    it(`leaves no process behind when it is killed in its chapter '${chapter}'`, async () => {
      // What a killed process cannot remove goes with this folder.
      const folder = await scratch();
      const child = start(["tour", chapter], { env: { TMPDIR: folder } });
      child.stdout?.resume();
      child.stderr?.resume();
      try {
        await until(
          "it works",
          () => processesBelow(folder),
          ({ length }) => length >= processes,
        );
        child.kill("SIGKILL");
        await once(child, "exit");
        await until(
          "all have ended",
          () => processesBelow(folder),
          ({ length }) => length === 0,
        );
      } finally {
        child.kill("SIGKILL");
        for (const pid of processesBelow(folder)) process.kill(pid, "SIGKILL");
      }
    });
});

/** Keeper, governor and containers of a node whose home lies in the folder. */
function processesBelow(folder: string): readonly number[] {
  return processesWith((environment) => environment.includes(`\0UNUM_HOME=${folder}/`));
}
