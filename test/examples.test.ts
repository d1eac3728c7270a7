// Every example runs as its README says, and prints what it is there to show.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { endNodes, until, up } from "./cli/node.ts";
import { cleanUp, jsonLines, LIMIT, root, scratch, serve, unum } from "./cli/unum.ts";

import { freePort } from "./network/nodes.ts";

const run = promisify(execFile);
const RUN_LIMIT_MS = 30_000;

after(endNodes);
after(cleanUp);

async function outputOf(file: string, ...args: string[]): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [join("examples", file), ...args], {
    cwd: root,
    timeout: RUN_LIMIT_MS,
  });
  return stdout.trimEnd().split("\n");
}

describe("the examples", LIMIT, () => {
  it("are the ones tested here, and each has a README that names its files", () => {
    const folders = readdirSync(join(root, "examples"));
    assert.deepEqual(folders.sort(), [
      "01-one-process",
      "02-two-processes",
      "03-modes",
      "04-program",
      "05-plugins",
      "06-flow",
      "07-network",
      "08-log-index",
      "09-islands",
      "10-proposer",
    ]);
    for (const folder of folders) {
      const text = readFileSync(join(root, "examples", folder, "README.md"), "utf8");
      const programs = readdirSync(join(root, "examples", folder)).filter((file) => file.endsWith(".ts"));
      for (const program of programs)
        assert.match(
          text,
          new RegExp(`(?:node|flow run|islands run) examples/${folder}(?:/${program}| )`),
          `${folder}: ${program}`,
        );
    }
  });

  it("01-one-process greets, and shows what the component threw", async () => {
    assert.deepEqual(await outputOf("01-one-process/main.ts"), [
      "Hello, Ada!",
      "Hello, Grace! greeting 2, version 1.0.0, from direct://greeter",
      "RangeError: nobody has no name",
      "0 calls left",
    ]);
  });

  it("07-network is entered by any node, looked at, and called when one of them is gone", async () => {
    assert.deepEqual(await outputOf("07-network/caller.ts", "tcp://127.0.0.1:1"), [
      "undeliverable, try again: elsewhere",
    ]);
    const components = "examples/01-one-process/components";
    const ports = [await freePort(), await freePort()];
    const few = ["--containers", "1", "--spares", "0"];
    const [first, second] = [await scratch(), await scratch()];
    const one = await up(components, ["--listen", `127.0.0.1:${ports[0]}`, ...few], { home: first });
    await up(components, ["--listen", `127.0.0.1:${ports[1]}`, "--seeds", `127.0.0.1:${ports[0]}`, ...few], {
      home: second,
    });
    const doors = ports.map((port) => `tcp://127.0.0.1:${port}`);
    const seen = (home: string) => unum(["ps", "--json"], { home });
    await until(
      "both are seen",
      () => seen(first),
      (ended) => jsonLines(ended).length === 2,
    );
    assert.deepEqual(await outputOf("07-network/caller.ts", ...doors), [
      "2 nodes",
      "example.v1.Greeter 1.0.0: Greet (SYNC)",
      "Hello, Ada!",
    ]);
    one.child.kill("SIGINT");
    await one.ended;
    await until(
      "one is left",
      () => seen(second),
      (ended) => jsonLines(ended).length === 1,
    );
    const after = await outputOf("07-network/caller.ts", ...doors);
    assert.deepEqual(after.slice(1), ["example.v1.Greeter 1.0.0: Greet (SYNC)", "Hello, Ada!"]);
  });

  it("02-two-processes does the same over a Unix socket, and says when nobody is there", async () => {
    const address = `ipc://${await scratch()}/greeter.sock`;
    assert.deepEqual(await outputOf("02-two-processes/caller.ts", address), ["undeliverable, try again: elsewhere"]);
    const container = spawn(process.execPath, ["examples/02-two-processes/container.ts", address], { cwd: root });
    const lines = createInterface(container.stdout)[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, address);
    assert.deepEqual(await outputOf("02-two-processes/caller.ts", address), [
      "Hello, Ada!",
      "Hello, Grace! greeting 2, version 1.0.0",
      "RangeError: nobody has no name",
    ]);
    container.kill("SIGINT");
    assert.equal((await lines.next()).value, "0 calls left");
    assert.deepEqual(await once(container, "exit"), [0, null]);
  });

  it("02-two-processes is served and called by the command alone", async () => {
    const home = await scratch();
    const served = await serve("examples/01-one-process/components", ["--listen", "ipc"], { home });
    const called = await unum(["call", "example.v1.Greeter/Greet", '{"name":"Ada"}'], { home });
    assert.deepEqual(JSON.parse(called.stdout), { text: "Hello, Ada!", count: 1 });
    served.child.kill("SIGINT");
    assert.equal((await served.ended).code, 0);
  });

  it("03-modes shows the four modes, a key and a time to live", async () => {
    assert.deepEqual(await outputOf("03-modes/main.ts"), [
      "SYNC       a soup is 400 cents",
      "ASYNC      ordered from north",
      "           soup is ready",
      "STREAM     course 1",
      "STREAM     course 2",
      "STREAM     course 3",
      "KEY        cooked once: true",
      "BROADCAST  north closes after some meals",
      "BROADCAST  south closes after no meals",
      "TTL        unknown: started maybe, try again if idempotent",
      "           stew is ready",
    ]);
  });

  it("04-program is packed and signed, each time the same", async () => {
    const home = await scratch();
    const pack = async (out: string) =>
      JSON.parse((await unum(["pack", "examples/04-program", "--out", join(home, out), "--json"], { home })).stdout);
    const [one, two] = [await pack("one"), await pack("two")];
    assert.deepEqual(
      [one.name, one.version, one.serves],
      ["thumbnails", "1.2.0", ["thumbnails.v1.Accent", "thumbnails.v1.Resample", "thumbnails.v1.Shrink"]],
    );
    assert.equal(one.digest, two.digest);
    assert.deepEqual(readdirSync(join(home, "one")).sort(), ["thumbnails-1.2.0.zip", "thumbnails-1.2.0.zip.minisig"]);
  });

  it("05-plugins seals bodies, and tells who has no seal", async () => {
    assert.deepEqual(await outputOf("05-plugins/main.ts"), [
      "Hello, Ada!",
      "denied: example.v1.Greeter/Greet takes only calls sealed with aes256-…; give the caller that plugin",
    ]);
  });

  it("06-flow takes files through a graph in containers of its own, and joins them by package", async () => {
    const home = await scratch();
    const place = ["flow", "run", "examples/06-flow", "--json", "--output", join(home, "out.ndjson")];
    const ran = await unum(place, { home, env: { FLOW_FOLDER: "node_modules/semver" } });
    assert.equal(ran.code, 0, ran.stderr);
    const { finished, dead, items } = jsonLines(ran)[0];
    const [{ sink, value }, ...others] = readFileSync(join(home, "out.ndjson"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([finished, dead, sink, value.name, others.length], ["done", 0, "packages", "semver", 0]);
    // The files, and the one package that they became.
    assert.equal(items, value.files + 1);
    assert.match(value.verdict, /^\d+ files, \d+ % of their size when compressed$/);
  });

  it("06-flow has troubles that are retried, timed out and left to somebody", async () => {
    const home = await scratch();
    const ran = await unum(["flow", "run", "examples/06-flow/troubles.ts", "--json"], { home });
    assert.equal(ran.code, 1, ran.stderr);
    const nodes = new Map<string, { done: number; failures: number; dead: number }>(
      jsonLines(ran)[0].nodes.map((node: { name: string }) => [node.name, node]),
    );
    assert.deepEqual([nodes.get("shaky")?.done, nodes.get("shaky")?.failures], [10, 20]);
    assert.equal(nodes.get("broken")?.dead, 10);
    assert.equal(nodes.get("outcomes")?.done, 10);
    const dead = jsonLines(await unum(["flow", "dead", "last", "--json"], { home }));
    const broken = dead.filter(({ at }) => at === "broken").map(({ reason }) => reason);
    assert.deepEqual(broken, new Array(10).fill("RangeError: never works"));
  });

  it("08-log-index asks two containers as one, by time", async () => {
    assert.deepEqual(await outputOf("08-log-index/main.ts"), [
      '10.0.0.1 - - [18/May/2015:14:00:01 +0000] "GET /cart HTTP/1.1" 200 512',
      ...[
        '10.0.0.2 - - [18/May/2015:14:00:02 +0000] "GET /cart HTTP/1.1" 200 512',
        '10.0.0.1 - - [18/May/2015:14:00:02 +0000] "GET /news HTTP/1.1" 200 512',
      ].sort(),
      '10.0.0.3 - - [18/May/2015:14:20:00 +0000] "GET /news HTTP/1.1" 200 512',
      "10.0.0.1: 3 records",
    ]);
  });

  it("have components without a type error, modes as their contracts say", async () => {
    for (const folder of ["01-one-process", "03-modes", "04-program", "06-flow"]) {
      const checked = await unum(["check", join("examples", folder, "components"), "--json"]);
      assert.deepEqual(jsonLines(checked)[0].failures, []);
      assert.equal(checked.code, 0);
    }
    const home = await scratch();
    const served = await serve("examples/03-modes/components", [], { home });
    const [{ components }] = jsonLines(await unum(["describe", "--json"], { home }));
    const modes = components[0].methods.map(({ name, mode }: { name: string; mode: string }) => [name, mode]);
    assert.deepEqual(modes, [
      ["Price", "SYNC"],
      ["Cook", "ASYNC"],
      ["Courses", "STREAM"],
      ["Close", "BROADCAST"],
    ]);
    served.child.kill("SIGTERM");
    await served.ended;
  });
});
