// A machine of several computers: joined by token, told by whichever node is asked, each going on by itself.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endLater, endNodes, ok, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, scratch, unum } from "../cli/unum.ts";
import { founded, joined, online, token, twoPorts, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const PLAN = ["thumbnails.v1.Shrink/Plan", '{"width":400,"height":300,"longest":40}'];

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

describe("a machine of several computers", { skip: linux, ...LIMIT }, () => {
  it("runs a program on each, also on one that was away when it was said, and takes it away from all", async () => {
    const first = await founded();
    const second = await joined(first);
    await until("both know each other", () => view(first), online(2));
    ok(await unum(["load", await packed(first, { version: "1.0.0" })], { home: first }));
    assert.match(ok(await unum(["start", "thumbnails"], { home: first })), /on 2 nodes/);
    const called = await unum(["call", ...PLAN, "--within", "5s"], { home: second });
    assert.equal(JSON.parse(ok(called)).version, "1.0.0");

    ok(await unum(["down"], { home: second }));
    await until("it is offline", () => view(first), online(1));
    ok(await unum(["load", await packed(first, { version: "1.1.0" })], { home: first }));
    ok(await unum(["start", "thumbnails"], { home: first }));
    ok(await unum(["up", "--detach", "--json"], { home: second }));
    const caughtUp = await until(
      "it has the new version",
      () => view(second),
      ({ node, programs }) =>
        programs[0]?.nodes.some((each: { node: string; state: string; digest: string }) => {
          return each.node === node && each.state === "running" && each.digest === programs[0].digest;
        }),
    );
    assert.equal(caughtUp.programs[0].version, "1.1.0");

    ok(await unum(["unload", "thumbnails"], { home: first }));
    await until("nothing of it is left there", () => readdirSync(join(second, "machine", "programs")).length === 0);
    await until(
      "nor a container",
      () => statusOf(second),
      ({ containers }) => {
        return containers.every(({ program }: { program: string }) => program === "");
      },
    );
  });

  it("is joined by the command that the first says when it is opened, and says it once", async () => {
    const first = await scratch();
    endLater(first);
    const opened = await unum(["up", "--detach", "--open", `127.0.0.1:${await twoPorts()}`], { home: first });
    assert.doesNotMatch(ok(opened), /--token/, "what is printed is doors");
    const [, joinsAt = "", text = ""] =
      /^npx unum join (\S+) --token (\S+) --open HOST:PORT$/m.exec(opened.stderr) ?? assert.fail(opened.stderr);
    const second = await scratch();
    endLater(second);
    const open = ["--open", `127.0.0.1:${await twoPorts()}`, "--detach", "--json"];
    ok(await unum(["join", joinsAt, "--token", text, ...open], { home: second }));
    await until("both know each other", () => view(first), online(2));
    ok(await unum(["down"], { home: first }));
    const again = await unum(["up", "--detach"], { home: first });
    assert.doesNotMatch(ok(again) + again.stderr, /--token/);
  });

  it("lets in by a token once, and not by another machine's, a changed one, or one that is over", async () => {
    const first = await founded();
    const { token: text, joinsAt } = await token(first);
    const other = async (with_: string) =>
      unum(["join", joinsAt, "--token", with_, "--open", "127.0.0.1:20001", "--detach", "--json"], {
        home: await scratch(),
      });
    const [id, secret, root = ""] = text.split(".");
    const changed = `${id}.${secret?.startsWith("A") ? "B" : "A"}${secret?.slice(1)}.${root}`;
    assert.deepEqual(JSON.parse((await other(changed)).stdout).error.code, "denied");
    const elsewhere = `${id}.${secret}.${root.startsWith("A") ? "B" : "A"}${root.slice(1)}`;
    assert.match((await other(elsewhere)).stderr, /it does not show the root that the token names/);
    assert.equal((await other("nonsense")).code, 2);
    const { token: short } = JSON.parse(ok(await unum(["token", "--json", "--for", "1ms"], { home: first })));
    assert.match((await other(short)).stderr, /the token is over/);
    const home = await scratch();
    endLater(home);
    const own = `127.0.0.1:${await twoPorts()}`;
    ok(await unum(["join", joinsAt, "--token", text, "--open", own, "--detach", "--json"], { home }));
    const again = await other(text);
    assert.equal(again.code, 4);
    assert.match(again.stderr, /was used already, by node n/);
    const audit = ok(await unum(["audit", "--verify"], { home: first }));
    assert.match(audit, /refused join node/);
    assert.match(audit, /done join node/);
    assert.equal(
      (await unum(["join", joinsAt, "--token", text, "--open", own], { home })).code,
      2,
      "it is a node already",
    );
  });

  it("goes on when its controller's governor is killed, tells a revoked node nothing, and lets no other key command", async () => {
    const first = await founded();
    const second = await joined(first);
    await until("both know each other", () => view(first), online(2));
    ok(await unum(["load", await packed(first, { version: "1.0.0" })], { home: first }));
    ok(await unum(["start", "thumbnails"], { home: first }));
    const { pid } = await statusOf(first);
    process.kill(pid, "SIGKILL");
    assert.equal(JSON.parse(ok(await unum(["call", ...PLAN, "--within", "5s"], { home: second }))).version, "1.0.0");
    await until(
      "it is back",
      () => statusOf(first),
      (status) => status.pid !== pid,
    );
    assert.ok(!runs(pid));

    const denied = await unum(["stop", "thumbnails"], { home: second });
    assert.equal(denied.code, 4);
    assert.match(denied.stderr, /'stop' needs the role deployer, and this key has none here/);
    const { node } = await view(second);
    ok(await unum(["revoke", node, "--reason", "sold"], { home: first }));
    ok(await unum(["set", "region", "north"], { home: first }));
    const { nodes } = await view(first);
    assert.equal(nodes.find(({ id }: { id: string }) => id === node).revoked, true);
    // What it was told before it keeps; the variable it does not hear of, though it goes on asking.
    await until("it hears nothing any more", () => view(second), online(1));
    assert.deepEqual((await view(second)).variables, []);
  });
});
