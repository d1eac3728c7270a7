// New code that is refused, forced, or only half there, on a node of real processes: what serves goes on being what was accepted.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { NodeStatus } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { cleanUp, scratch, unum } from "../cli/unum.ts";
import { Work } from "../gen/unum/test/v1/work_pb.ts";
import { renumbered } from "./breaking.ts";
import { startNode, type TestNode } from "./node.ts";

const nodes: TestNode[] = [];
after(async () => {
  await Promise.all(nodes.map((each) => each.end()));
  await cleanUp();
});

async function node(): Promise<TestNode> {
  const started = await startNode();
  nodes.push(started);
  await started.until(({ containers }) => containers.filter(({ state }) => state === "serving").length >= 2);
  return started;
}

const versions = ({ containers }: Awaited<ReturnType<TestNode["status"]>>) =>
  containers.filter(({ state }) => state === "serving").map(({ components }) => components.map((each) => each.version));

/** The folder's contract and code in a state that would break callers of what runs. */
async function breakContract({ folder }: TestNode): Promise<void> {
  const contract = join(folder, "..", "..", "gen", "unum", "test", "v1", "work_pb.ts");
  await writeFile(contract, renumbered(await readFile(contract, "utf8"), "container", 9));
  await bump(folder, "2.0.0");
}

async function bump(folder: string, version: string): Promise<void> {
  const file = join(folder, "work", "work.ts");
  await writeFile(file, (await readFile(file, "utf8")).replace(/"\d+\.\d+\.\d+"/, `"${version}"`));
}

/** A copy of what serves is there. */
async function kept({ home }: TestNode): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    const names = await readdir(join(home, "run", "code")).catch(() => []);
    if (names.some((name) => name.endsWith(".json"))) return;
    if (performance.now() > end) throw new Error(`no copy in ${home}/run/code: ${names.join(" ")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const crash = ({ client }: TestNode) =>
  assert.rejects(client.call(Work.method.do, { exit: 3 }, { ttlMs: 60_000 }), { code: "unknown" });

/** Does not come to its end while the gate is there; says that it has come so far. */
const gated = (gate: string, arrived: string) => `import { existsSync, writeFileSync } from "node:fs";
const still = new Int32Array(new SharedArrayBuffer(4));
if (existsSync(${JSON.stringify(gate)})) writeFileSync(${JSON.stringify(arrived)}, "");
while (existsSync(${JSON.stringify(gate)})) Atomics.wait(still, 0, 0, 20);
`;

describe("a folder that changes while a container loads it", { timeout: 300_000 }, () => {
  it("gives that container nothing to serve: it counts for no crash, and another loads what ran", async () => {
    const home = await scratch();
    const [gate, arrived] = [join(home, "gate"), join(home, "arrived")];
    const own = await node();
    const file = join(own.folder, "work", "work.ts");
    const digests = ({ containers }: NodeStatus) => new Set(containers.map(({ digest }) => digest).filter(Boolean));
    const [first = ""] = digests(await own.until((now) => digests(now).size === 1));
    await writeFile(file, gated(gate, arrived) + (await readFile(file, "utf8")));
    const before = await own.until(
      (now) => now.replacement === "" && digests(now).size === 1 && !digests(now).has(first),
    );
    await writeFile(gate, "");
    await crash(own);
    while (!existsSync(arrived)) await own.status();
    await writeFile(file, "export default half a file {");
    await rm(gate);
    const after = await own.until(
      ({ events, containers, replacement }) =>
        events.some(({ text }) => /has ended: the folder changed while it was loaded/.test(text)) &&
        replacement.includes("did not pass") &&
        containers.filter(({ state }) => state === "serving").length >= 2,
    );
    const old = before.containers.find(({ state }) => state === "serving")?.digest;
    for (const { state, digest } of after.containers) if (state === "serving") assert.equal(digest, old);
    assert.equal((await own.client.call(Work.method.do, { key: "on" }, { withinMs: 20_000, ttlMs: 60_000 })).key, "on");
    await own.end();
  });
});

describe("code that is not accepted", { timeout: 300_000, concurrency: 1 }, () => {
  it("is not what a crashed container is started from: that is what ran", async () => {
    const own = await node();
    await kept(own);
    await writeFile(join(own.folder, "work", "work.ts"), "export default half a file {");
    await own.until(({ replacement }) => replacement.includes("did not pass"));
    await crash(own);
    await own.until(({ events }) => events.some(({ text }) => /exited with code 3/.test(text)));
    const all = await own.until((status) => versions(status).length >= 2);
    for (const served of versions(all)) assert.deepEqual(served, ["1.0.0", "1.0.0"]);
    // Each of them, so the one that took its place too.
    for (let i = 0; i < 8; i++) assert.equal((await own.client.call(Work.method.do, { key: "still" })).code, "one");
    assert.match((await own.status()).replacement, /did not pass/);
    await own.end();
  });

  it("that would break callers is refused by unum deploy, and comes in by --force, for that state alone", async () => {
    const own = await node();
    await kept(own);
    const home = join(own.home);
    const deploy = (...args: string[]) => unum(["deploy", "--to", own.door, "--json", ...args], { home });
    assert.deepEqual(JSON.parse((await deploy()).stdout).outcome, "serves");
    await breakContract(own);
    const refused = await deploy();
    assert.equal(refused.code, 4, refused.stderr);
    const { outcome, reason } = JSON.parse(refused.stdout);
    assert.equal(outcome, "breaks");
    assert.match(reason, /would break running callers: .*WorkReply.*container.*'unum deploy --force'/);
    assert.deepEqual(
      versions(await own.status())
        .flat()
        .includes("2.0.0"),
      false,
    );
    const forced = await deploy("--force");
    assert.equal(forced.code, 0, forced.stderr);
    const { events } = await own.until((status) => versions(status).every((each) => each.includes("2.0.0")));
    assert.ok(events.some(({ text }) => /brought in by force, though it would break running callers/.test(text)));
    await own.end();
  });

  it("that is forced stays forced when the governor is killed before it came in", async () => {
    const own = await node();
    await breakContract(own);
    await own.until(({ replacement }) => replacement.includes("did not pass"));
    const forcing = unum(["deploy", "--to", own.door, "--force", "--wait", "1ms"], { home: own.home });
    assert.equal((await forcing).code, 5);
    await own.killGovernor();
    await own.until(
      (status) => versions(status).length >= 2 && versions(status).every((each) => each.includes("2.0.0")),
    );
    await own.end();
  });

  it("that does not load fails unum deploy, with file and line", async () => {
    const own = await node();
    await writeFile(join(own.folder, "work", "work.ts"), "export default half a file {");
    const { code, stderr } = await unum(["deploy", "--to", own.door], { home: own.home });
    assert.equal(code, 1);
    assert.match(stderr, /did not come in: .*work\.ts:1:\d+/);
    await own.end();
  });
});
