// The log index on a machine of two nodes: packed, loaded and started like any program, and asked by the command.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { endLater, endNodes, ok, tellLogs, until } from "../cli/node.ts";
import { cleanUp, jsonLines, root, scratch, unum } from "../cli/unum.ts";
import { ALWAYS, scanPlainly } from "./plain-scan.ts";

const linux = process.platform === "linux" ? false : "needs Linux";

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

/** The first of two ports in a row that are free now. */
async function twoPorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A home with an index of these lines. */
async function withLogs(lines: readonly string[]): Promise<string> {
  const home = await scratch();
  endLater(home);
  mkdirSync(join(home, "web"));
  writeFileSync(join(home, "web", "access.log"), lines.map((line) => `${line}\n`).join(""));
  ok(await unum(["logs", "add", join(home, "web")], { home }));
  return home;
}

function sample(seed: number): string[] {
  const parts = [...sampleLog({ lines: 300, days: 1, seed, start: 1_431_907_200, format: "combined" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

describe("the log index on a machine", { skip: linux, timeout: 600_000 }, () => {
  it("is asked on all nodes by the command, and on this one alone where that is wanted", async () => {
    const [here, there] = [sample(1), sample(2)];
    const [first, second] = [await withLogs(here), await withLogs(there)];
    ok(await unum(["up", "--detach", "--json", "--open", `127.0.0.1:${await twoPorts()}`], { home: first }));
    const before = await unum(["logs", "find", "--count"], { home: first });
    assert.equal(before.stdout, "300\n", `a node that does not serve the log index changes nothing: ${before.stderr}`);
    const refused = await unum(["logs", "find", "--on", join(first, "run", "door.sock")], { home: first });
    assert.match(refused.stderr, /no node of the machine at .* serves unum\.logs\.v1\.LogIndex/);
    const { token, joinsAt } = JSON.parse(ok(await unum(["token", "--json"], { home: first })));
    const own = `127.0.0.1:${await twoPorts()}`;
    ok(await unum(["join", joinsAt, "--token", token, "--open", own, "--detach", "--json"], { home: second }));

    const dist = await scratch();
    const packed = ok(
      await unum(["pack", join(root, "examples/08-log-index"), "--out", dist, "--json"], { home: first }),
    );
    ok(await unum(["load", JSON.parse(packed).path], { home: first }));
    ok(await unum(["start", "log-index"], { home: first }));

    const all = [...here, ...there];
    await until(
      "both nodes answer",
      async () => (await unum(["logs", "find", "--count"], { home: first })).stdout,
      (count) => count === "600\n",
    );
    const [address = ""] = (here[7] ?? "").split(" ");
    const wanted = scanPlainly(all, ALWAYS);
    const [asLines, fromThere, alone, times, distinct] = await Promise.all([
      unum(["logs", "find"], { home: first }),
      unum(["logs", "find", "--count"], { home: second }),
      unum(["logs", "find", "--here", "--count"], { home: first }),
      unum(["logs", "times", address, "--json"], { home: first }),
      unum(["logs", "distinct", "--exact", "--json"], { home: second }),
    ]);
    assert.deepEqual(ok(asLines).trimEnd().split("\n").sort(), [...wanted].sort());
    assert.match(asLines.stderr, /600 records in .*, on 2 nodes/);
    assert.equal(fromThere.stdout, "600\n");
    assert.equal(alone.stdout, "300\n");
    assert.equal(jsonLines(times)[0].records, all.filter((line) => line.startsWith(`${address} `)).length);
    assert.equal(jsonLines(distinct)[0].distinct, new Set(all.map((line) => line.split(" ")[0])).size);
  });
});
