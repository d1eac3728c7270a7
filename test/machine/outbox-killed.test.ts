// Durable messages through the command, while the governors that keep them are killed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endLater, endNodes, ok, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, root, scratch, unum } from "../cli/unum.ts";
import { online, token, twoPorts, view } from "./machine-nodes.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const COMPONENTS = ["--components", join(root, "test/machine/components")];

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

describe("durable messages and killed governors", { skip: linux, ...LIMIT }, () => {
  it("loses none that was kept, delivers none twice, and tells what became of each", async () => {
    const [first, second] = [await scratch(), await scratch()];
    for (const home of [first, second]) endLater(home);
    ok(
      await unum(["up", "--detach", "--json", "--open", `127.0.0.1:${await twoPorts()}`, ...COMPONENTS], {
        home: first,
      }),
    );
    const { token: text, joinsAt } = await token(first);
    const own = ["--open", `127.0.0.1:${await twoPorts()}`, "--detach", "--json", ...COMPONENTS];
    ok(await unum(["join", joinsAt, "--token", text, ...own], { home: second }));
    await until("both know each other", () => view(first), online(2));
    const { node } = await view(second);
    ok(await unum(["down"], { home: second }));

    const journal = join(first, "journal");
    const send = (message: string, args: readonly string[] = []) =>
      unum(
        [
          "call",
          "unum.test.v1.Letters/Put",
          JSON.stringify({ journal, text: message }),
          "--durable",
          node,
          ...args,
          "--json",
        ],
        {
          home: first,
        },
      );
    await until(
      "its own container serves",
      () => send("first"),
      ({ code }) => code === 0,
    );
    for (const message of ["a", "b", "c"]) assert.equal(JSON.parse(ok(await send(message))).kept, true);
    ok(await send("too late", ["--ttl", "1ms"]));
    for (const message of ["old", "new"]) ok(await send(message, ["--supersede", "state", "--ttl", "1h"]));
    assert.equal((await send("x", ["--supersede", ""])).code === 0, true);
    assert.equal((await unum(["call", "unum.test.v1.Letters/Pass", "{}", "--durable", node], { home: first })).code, 2);
    assert.equal((await unum(["call", "unum.test.v1.Letters/Put", "{}", "--supersede", "k"], { home: first })).code, 2);

    const { pid } = await statusOf(first);
    process.kill(pid, "SIGKILL");
    await until(
      "another governs",
      () => statusOf(first),
      (status) => status.pid !== pid,
    );
    const kept = await until(
      "it has found its box",
      () => view(first),
      ({ boxes }) => boxes.length > 0,
    );
    assert.equal(kept.boxes[0].waiting, 6);
    assert.match(ok(await unum(["machine"], { home: first })), /MESSAGES +WAITING/);

    ok(await unum(["up", "--detach", "--json", ...COMPONENTS], { home: second }));
    const other = await statusOf(second);
    process.kill(other.pid, "SIGKILL");
    const lines = () => (existsSync(journal) ? readFileSync(journal, "utf8").trimEnd().split("\n") : []);
    await until("all have arrived", lines, (all) => all.length >= 6);
    await until(
      "nothing waits there",
      () => view(second),
      ({ boxes }) => boxes.every(({ waiting }: { waiting: number }) => (waiting ?? 0) === 0),
    );
    const ids = lines().map((line) => line.split(" ").at(-1));
    assert.deepEqual(
      lines().map((line) => line.split(" ")[0]),
      ["first", "a", "b", "c", "new", "x"],
    );
    assert.equal(new Set(ids).size, 6);
  });
});
