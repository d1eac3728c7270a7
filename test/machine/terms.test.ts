// What a program may and how much it may use, said anew of one that runs: it holds for what runs then, and no call fails.

import assert from "node:assert/strict";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { confinementLayers } from "../../src/system/confinement.ts";
import { endNodes, ok, runs, statusOf, tellLogs } from "../cli/node.ts";
import { cleanUp, LIMIT, scratch, unum } from "../cli/unum.ts";
import { alone } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";
import { load } from "./steady-load.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

/** Answers with "seen" or "not seen" as its version: whether its cell has the folder. */
const looksAt = (folder: string) => (code: string) =>
  `import { existsSync } from "node:fs";\n${code}`.replace(
    "plan: (",
    `plan: () => ({ width: 1, height: 1, version: existsSync(${JSON.stringify(folder)}) ? "seen" : "not seen" }), //(`,
  );

const own = async (home: string): Promise<readonly { id: string; pid: number; state: string }[]> =>
  (await statusOf(home)).containers.filter((each: { program: string }) => each.program === "thumbnails");

describe("what a program that runs may", { skip, ...LIMIT }, () => {
  it("holds when the command says that it runs, in every container of it, and no call fails meanwhile", async () => {
    const home = await alone();
    const folder = await scratch();
    const description = { trust: "confined", capabilities: ["fs:read"], containers: 2 };
    ok(
      await unum(["load", await packed(home, { version: "1.2.0", code: looksAt(folder), description })], {
        home,
      }),
    );
    const answers = async (...terms: string[]) => {
      ok(await unum(["start", "thumbnails", ...terms], { home }));
      const calls = await load(home);
      // Enough for both of its containers to have had some.
      await calls.ended(30);
      const { versions, failures } = await calls.stop();
      assert.deepEqual(failures, []);
      return versions;
    };
    assert.deepEqual(await answers(), ["not seen"]);
    const first = await own(home);
    const meanwhile = await load(home);
    assert.deepEqual(await answers("--grant", `fs:read=${folder}`), ["seen"]);
    const second = await own(home);
    assert.ok(!first.some(({ pid }) => second.some((each) => each.pid === pid) && runs(pid)), "all were replaced");
    assert.deepEqual(await answers("--grant", "none"), ["not seen"]);
    const { failures, versions } = await meanwhile.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(versions.sort(), ["not seen", "seen"]);
    const third = await own(home);
    assert.deepEqual(await answers(), ["not seen"], "what is not said stays");
    const pids = (all: typeof third) => all.filter(({ state }) => state === "serving").map(({ pid }) => pid);
    assert.deepEqual(pids(await own(home)).sort(), pids(third).sort(), "and nothing is replaced for it");
  });

  it("is refused where it names no place, and shown where nothing is at the place that it names", async () => {
    const home = await alone();
    const description = { trust: "confined", capabilities: ["fs:read", "log"] };
    ok(await unum(["load", await packed(home, { version: "1.2.0", description })], { home }));
    for (const grant of ["fs:read", "fs:read=pictures", "fs:read=./pictures"]) {
      const { code, stderr } = await unum(["start", "thumbnails", "--grant", grant], { home });
      assert.equal(code, 2, grant);
      assert.match(stderr, /names no place; say where it may, from the root: 'fs:read=\/srv\/pictures'/);
    }
    const both = await unum(["start", "thumbnails", "--grant", "none", "--grant", "log"], { home });
    assert.equal(both.code, 2);
    assert.match(both.stderr, /takes back all that it may/);
    const folder = join(await scratch(), "pictures");
    const started = await unum(["start", "thumbnails", "--grant", `fs:read=${folder}`], { home });
    assert.match(ok(started), /runs: 1 container on 1 node/);
    const problem = new RegExp(`fs:read=${folder}: nothing is at ${folder} on this node; make it, then stop and start`);
    assert.match(started.stderr, problem);
    assert.match(ok(await unum(["describe", "thumbnails"], { home })), problem);
    await mkdir(folder);
    ok(await unum(["stop", "thumbnails"], { home }));
    const again = await unum(["start", "thumbnails"], { home });
    assert.doesNotMatch(again.stderr, /nothing is at/);
    assert.doesNotMatch(ok(await unum(["describe", "thumbnails"], { home })), /nothing is at/);
    await rmdir(folder);
  });
});
