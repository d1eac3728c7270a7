// unum logs and unum limits with a real node: what containers write, also those that come and go; and limits that take effect.

import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, describe, it } from "node:test";
import { endNodes, ok, statusOf, tellLogs, type UpNode, until, up } from "./node.ts";
import { cleanUp, jsonLines, root, scratch, start, unum } from "./unum.ts";

const MODES = "unum.test.v1.Modes";
const contracts = join(root, "test/gen/unum/test/v1/services_pb.ts");

/** Writes what it is told to its log, and ends its process at `exit`. */
const WRITER = `import { component } from "unum";
import { Kinds, Modes } from ${JSON.stringify(contracts)};
const write = ({ text }) => {
  if (text === "exit") process.exit(3);
  console.log("wrote", text);
  return { text, lines: [String(process.pid)] };
};
async function* many(input) { yield write(input); }
export default component(Modes, { plain: write, sync: write, async: write, broadcast: write, plainStream: many, stream: many });
`;

interface Container {
  readonly id: string;
  readonly pid: number;
  readonly state: string;
}

describe("a node under way", () => {
  let home = "";
  let node: UpNode;
  const call = (text: string) =>
    unum(["call", `${MODES}/Plain`, JSON.stringify({ text }), "--within", "10s", "--ttl", "20s"], { home });
  const logs = (...args: string[]) => unum(["logs", ...args], { home });
  const containers = async (): Promise<readonly Container[]> => (await statusOf(home)).containers;

  before(async () => {
    home = await scratch({ "components/writer.ts": WRITER });
    node = await up(join(home, "components"), [], { home });
  });
  afterEach((test) => tellLogs(test));
  after(async () => {
    await endNodes();
    await cleanUp();
  });

  it("shows what containers wrote, each line with its container, for all, a component or one", async () => {
    const [pid] = JSON.parse(ok(await call("hello"))).lines;
    const writer = (await containers()).find((each) => String(each.pid) === pid);
    const short = writer?.id.slice(0, 8) ?? "";
    for (const name of [[], [MODES], ["Modes"], [writer?.id ?? ""], [short.slice(0, 6)]]) {
      assert.match(ok(await logs(...name)), new RegExp(`^${short}\\w* +\\| wrote hello$`, "m"), String(name));
    }
    const [line] = jsonLines(await logs(short, "--json", "-n", "1"));
    assert.equal(line.text, "wrote hello");
    assert.equal(ok(await logs(short, "-n", "0")), "");
    // Those who called have gone, each in its own way; that is no news.
    assert.equal(ok(await logs(short)), `${short} | wrote hello\n`);
  });

  it("follows what is written, across a log that is cut, and by containers that are new", async () => {
    const child = start(["logs", "Modes", "--follow", "-n", "0"], { home });
    const lines: string[] = [];
    createInterface(child.stdout ?? assert.fail()).on("line", (line) => lines.push(line));
    const seen = (what: string) => until(`'${what}' is seen`, () => lines.some((line) => line.endsWith(what)));
    // It follows from when it has read the last lines, so it is told until it is heard.
    await until("it follows", async () => ok(await call("first")) !== "" && lines.length > 0);
    await call("exit");
    await until("another took its place", async () => {
      const before = lines.length;
      await call("second");
      return lines.slice(before).some((line) => line.endsWith("wrote second"));
    });
    const [serving] = (await containers()).filter(({ state }) => state === "serving");
    const log = join(home, "log", `${serving?.id}.log`);
    await appendFile(log, "before the cut\n");
    await seen("before the cut");
    await truncate(log);
    await appendFile(log, "after the cut\n");
    await seen("after the cut");
    child.kill("SIGINT");
    assert.equal((await once(child, "exit"))[0], 0);
  });

  it("still has the log of a container that ended, and why it did in the governor's", async () => {
    const [pid] = JSON.parse(ok(await call("last words"))).lines;
    const writer = (await containers()).find((each) => String(each.pid) === pid);
    process.kill(Number(pid), "SIGKILL");
    await until("it is gone", async () => (await containers()).every(({ id }) => id !== writer?.id));
    assert.match(ok(await logs(writer?.id.slice(0, 9) ?? "")), /wrote last words/);
    const told = ok(await logs("governor"));
    assert.match(told, new RegExp(`^governor \\| error .*${writer?.id} was ended by SIGKILL`, "m"));
    await until("up tells it too", () => node.said().includes(`${writer?.id} was ended by SIGKILL`));
  });

  it("names what no log is of", async () => {
    const { code, stderr } = await logs("Mods");
    assert.equal(code, 2);
    assert.match(stderr, /'Mods' is no component, program or container known here; did you mean 'Modes'/);
    assert.equal((await logs("-n", "few")).code, 2);
  });

  it("has as many containers as its limits say, at once", async () => {
    ok(await unum(["limits", "--containers", "1", "--spares", "0"], { home }));
    await until("one is left", containers, ({ length }) => length === 1);
    const shown = ok(await unum(["limits", "--containers", "3", "--spares", "2"], { home }));
    assert.match(shown, /^containers +3 +1$/m);
    await until(
      "the reserve is filled",
      containers,
      (all) => all.filter(({ state }) => state === "spare").length === 2,
    );
    assert.equal((await containers()).length, 3);
    const { code, stderr } = await unum(["limits", "--spares", "4"], { home });
    assert.match(stderr, /invalid: .*spares 4 is above .*containers 3/);
    assert.equal(code, 2);
  });

  it("ends a container by how its name begins, and serves on where it was the last", async () => {
    const serving = (await containers()).filter(({ state }) => state === "serving");
    for (const { id } of serving) ok(await unum(["drain", id.slice(0, 6)], { home }));
    await until("they are gone", async () => {
      const left = await containers();
      return serving.every(({ id }) => left.every((each) => each.id !== id));
    });
    await until("another serves", containers, (all) => all.some(({ state }) => state === "serving"));
    ok(await call("again"));
  });

  it("leaves its logs to be read when it has ended", async () => {
    node.child.kill("SIGINT");
    assert.equal(await node.ended, 0);
    const told = await logs("governor");
    assert.equal(told.code, 0);
    assert.match(told.stdout, /the node is drained/);
    assert.match(told.stderr, /no node runs here.*; these are the logs that are left/);
    assert.match(ok(await logs()), /wrote again/);
  });
});
