// Programs on one node, with real processes: loaded, started, replaced, stopped, unloaded, by the command.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endNodes, ok, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, scratch, unum } from "../cli/unum.ts";
import { alone } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";
import { load } from "./steady-load.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const PLAN = ["thumbnails.v1.Shrink/Plan", '{"width":400,"height":300,"longest":40}'];

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

async function plan(home: string) {
  return JSON.parse(ok(await unum(["call", ...PLAN, "--within", "5s"], { home })));
}

describe("a program", { skip: linux, ...LIMIT }, () => {
  it("has the worker threads that it declares and no more, though it is trusted and runs in its container", async () => {
    const home = await alone();
    // Says how many of three it could have at a time, and what the others were refused with.
    const code = (text: string) =>
      `import { Worker } from "node:worker_threads";\n${text}`.replace(
        "plan: (",
        `plan: async () => {
          const workers = [], refused = [];
          for (let i = 0; i < 3; i++) try { workers.push(new Worker("setInterval(() => {}, 1e6)", { eval: true })); } catch (error) { refused.push(error.code); }
          await Promise.all(workers.map((worker) => new Promise((online) => worker.once("online", online))));
          await Promise.all(workers.map((worker) => worker.terminate()));
          return { width: workers.length, height: refused.length, version: refused[0] };
        },
        // (`,
      );
    for (const [version, description, expected] of [
      ["1.2.0", {}, { width: 0, height: 3, version: "denied" }],
      ["1.3.0", { threads: 2 }, { width: 2, height: 1, version: "overloaded" }],
    ] as const) {
      ok(await unum(["load", await packed(home, { version, code, description })], { home }));
      ok(await unum(["start", "thumbnails"], { home }));
      assert.deepEqual(await plan(home), expected);
      assert.deepEqual(await plan(home), expected, "those that ended make room");
    }
  });

  it("is loaded, runs, stops and is gone, and nothing of it is left: no process, no file, no socket", async () => {
    const home = await alone();
    const archive = await packed(home, { version: "1.2.0" });
    assert.match(ok(await unum(["load", archive], { home })), /thumbnails 1\.2\.0 is loaded/);
    const unstarted = await unum(["call", ...PLAN], { home });
    assert.notEqual(unstarted.code, 0);
    assert.match(ok(await unum(["start", "thumbnails", "--grant", "log"], { home })), /runs: 1 container on 1 node/);
    assert.match(ok(await unum(["audit"], { home })), /done start program\/thumbnails: granted log$/m);
    assert.deepEqual(await plan(home), { width: 40, height: 30, version: "1.2.0" });
    const { containers } = await statusOf(home);
    const own = containers.find(({ program }: { program: string }) => program === "thumbnails");
    assert.ok(runs(own.pid));
    assert.match(ok(await unum(["stop", "thumbnails"], { home })), /has stopped/);
    await until("its container has ended", () => !runs(own.pid));
    assert.ok(!existsSync(join(home, "run", `${own.id}.sock`)));
    assert.match(ok(await unum(["unload", "thumbnails"], { home })), /is gone/);
    assert.deepEqual(readdirSync(join(home, "machine", "programs")), []);
    assert.deepEqual(readdirSync(join(home, "machine", "archives")), []);
    assert.deepEqual(JSON.parse(ok(await unum(["machine", "--json"], { home }))).programs, []);
    assert.match((await unum(["start", "thumbnails"], { home })).stderr, /no program 'thumbnails' is loaded/);
    ok(await unum(["audit", "--verify"], { home }));
  });

  it("gives way to a newer version under load without a failed call", async () => {
    const home = await alone();
    for (const version of ["1.0.0", "1.1.0"]) ok(await unum(["load", await packed(home, { version })], { home }));
    ok(await unum(["start", "thumbnails@1.0.0"], { home }));
    const calling = await load(home);
    ok(await unum(["start", "thumbnails"], { home }));
    await until("the new one answers", async () => (await plan(home)).version === "1.1.0");
    const { versions, failures, calls } = await calling.stop();
    assert.deepEqual(failures, []);
    assert.ok(calls > 0);
    assert.deepEqual(versions.sort(), ["1.0.0", "1.1.0"]);
    const { programs } = JSON.parse(ok(await unum(["machine", "--json"], { home })));
    assert.ok(programs[0].nodes[0].serving >= 1, "callers who wait for capacity may have asked for more");
  });

  it("goes on in the version before where the new one would break callers, or does not come to serve", async () => {
    const home = await alone();
    ok(await unum(["load", await packed(home, { version: "1.0.0" })], { home }));
    ok(await unum(["start", "thumbnails"], { home }));
    const code = (text: string) =>
      text.replace(
        "export default",
        'if (process.env["UNUM_HOME"]?.includes("unum")) throw new Error("no pictures today");\nexport default',
      );
    const failing = await packed(await scratch(), { version: "1.1.0" });
    assert.equal((await unum(["load", failing], { home })).code, 4, "signed by a key that may not");
    // It loads where it is packed, and not where it runs.
    const folder = await packed(home, {
      version: "1.1.0",
      code: (text) =>
        code(text).replace('includes("unum")', `includes("${home}") && process.argv[1]?.includes("container")`),
    });
    ok(await unum(["load", folder], { home }));
    const started = await unum(["start", "thumbnails"], { home });
    assert.equal(started.code, 1, started.stderr);
    assert.match(started.stderr, /1\.1\.0 does not run on node .*no pictures today.*the version before it goes on/s);
    assert.equal((await plan(home)).version, "1.0.0");
    const breaking = await packed(home, {
      version: "1.2.0",
      contract: (text) => text.replace(/fileDesc\("([^"]+)"/, (_, encoded) => `fileDesc("${withOtherNumber(encoded)}"`),
    });
    ok(await unum(["load", breaking], { home }));
    const refused = await unum(["start", "thumbnails"], { home });
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /would break callers of 1\.1\.0|would break callers of 1\.0\.0/);
    assert.equal((await plan(home)).version, "1.0.0");
  });

  it("is refused in a version that is not newer, when it was changed, and without its signature", async () => {
    const home = await alone();
    const [old, fresh] = [await packed(home, { version: "1.0.0" }), await packed(home, { version: "1.1.0" })];
    ok(await unum(["load", fresh], { home }));
    const back = await unum(["load", old], { home });
    assert.equal(back.code, 4);
    assert.match(back.stderr, /1\.0\.0 is not newer than 1\.1\.0.*--force/);
    ok(await unum(["load", old, "--force"], { home }));
    const bytes = await readFile(fresh);
    await writeFile(`${fresh}.minisig`, await readFile(`${old}.minisig`));
    assert.match(
      (await unum(["load", fresh], { home })).stdout + (await unum(["load", fresh], { home })).stderr,
      /loaded already/,
    );
    bytes[bytes.length - 30] = (bytes.at(-30) ?? 0) ^ 1;
    await writeFile(old, bytes);
    assert.notEqual((await unum(["load", old], { home })).code, 0);
    const nowhere = await unum(["load", join(home, "nothing.zip")], { home });
    assert.equal(nowhere.code, 2);
  });

  it("that asks to be trusted is loaded by an operator only; then a deployer may run it", async () => {
    const [home, other] = [await alone(), await scratch()];
    const { publicKey } = JSON.parse(ok(await unum(["keys", "--json"], { home: other })));
    ok(await unum(["grant", publicKey, "deployer"], { home }));
    const door = ["--to", `ipc://${home}/run/door.sock`];
    const trusted = await packed(other, { version: "1.0.0" });
    const refused = await unum(["load", trusted, ...door], { home: other });
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(
      refused.stderr,
      /asks for 'trust: operator'.*'trust' needs the role operator, and this key is deployer/,
    );
    const confined = await packed(other, { version: "0.9.0", description: { trust: "confined" } });
    ok(await unum(["load", confined, ...door], { home: other }));
    assert.match((await unum(["load", trusted], { home })).stderr, /your key says that it may/);
    assert.match(ok(await unum(["start", "thumbnails", ...door], { home: other })), /thumbnails 1\.0\.0 runs/);
    assert.match(ok(await unum(["audit"], { home })), /refused load program\/thumbnails: .*trust: operator/);
  });

  it("that is trusted by the word of one who is no operator any more ends, and runs again by another's", async () => {
    const [home, other] = [await alone(), await scratch()];
    const { publicKey, id } = JSON.parse(ok(await unum(["keys", "--json"], { home: other })));
    ok(await unum(["grant", publicKey, "operator"], { home }));
    const door = ["--to", `ipc://${home}/run/door.sock`];
    const trusted = await packed(other, { version: "1.0.0" });
    ok(await unum(["load", trusted, ...door], { home: other }));
    ok(await unum(["start", "thumbnails"], { home }));
    assert.equal((await plan(home)).version, "1.0.0");
    const taken = await unum(["grant", publicKey, "deployer"], { home });
    assert.match(ok(taken), /is deployer/);
    assert.match(taken.stderr, new RegExp(`thumbnails 1.0.0 ends: .* by the word of key ${id}; another operator's`));
    const own = (status: { containers: readonly { program: string }[] }) =>
      status.containers.filter(({ program }) => program === "thumbnails");
    await until(
      "none of its containers is left",
      () => statusOf(home),
      (status) => own(status).length === 0,
    );
    assert.match(
      ok(await unum(["describe", "thumbnails"], { home })),
      /'trust' needs the role operator, and this key is deployer/,
    );
    // A deployer cannot vouch for it, whatever he loads.
    assert.match(ok(await unum(["load", trusted, ...door], { home: other })), /is loaded already/);
    assert.match((await unum(["start", "thumbnails", ...door], { home: other })).stderr, /needs the role operator/);
    const again = await unum(["load", trusted], { home });
    assert.match(ok(again), /is loaded already/);
    assert.match(again.stderr, /your key says that it may/);
    ok(await unum(["start", "thumbnails"], { home }));
    assert.equal((await plan(home)).version, "1.0.0");
    assert.doesNotMatch(ok(await unum(["describe", "thumbnails"], { home })), /needs the role/);
  });

  it("goes on without a gap when its governor is killed, and is still what it was", async () => {
    const home = await alone();
    ok(await unum(["load", await packed(home, { version: "1.0.0" })], { home }));
    ok(await unum(["start", "thumbnails"], { home }));
    const before = await statusOf(home);
    const pidOf = ({ containers }: typeof before) =>
      containers.find(({ program }: { program: string }) => program === "thumbnails")?.pid;
    process.kill(before.pid, "SIGKILL");
    const again = await until(
      "another governor serves it",
      () => statusOf(home),
      (status) => status.pid !== before.pid && pidOf(status) !== undefined,
    );
    assert.equal(pidOf(again), pidOf(before), "the same container");
    assert.equal((await plan(home)).version, "1.0.0");
    ok(await unum(["unload", "thumbnails"], { home }));
    await until("it is gone", () => !runs(pidOf(before)));
  });
});

/** The same descriptor with the field `longest` (3) as number 9: what callers of the old send, the new does not read. */
function withOtherNumber(encoded: string): string {
  const bytes = Buffer.from(encoded, "base64");
  const at = bytes.indexOf("longest");
  // After the name: 0x18 is the tag of the number.
  const number = bytes.indexOf(0x18, at);
  bytes[number + 1] = 9;
  return bytes.toString("base64").replace(/=+$/, "");
}
