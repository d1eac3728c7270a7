// The verbs of the log index as a person uses them: processes, exit codes, what is printed where.

import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { cleanUp, jsonLines, LIMIT, scratch, start, unum } from "../cli/unum.ts";
import { ALWAYS, scanPlainly } from "./plain-scan.ts";

after(cleanUp);

function sample(lines: number, seed = 1): string[] {
  const parts = [...sampleLog({ lines, days: 2, seed, start: 1_431_907_200, format: "combined" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

async function withLogs(lines: readonly string[]) {
  const home = await scratch();
  const logs = join(home, "nginx");
  mkdirSync(logs);
  writeFileSync(join(logs, "access.log"), textOf(lines));
  const added = await unum(["logs", "add", logs, "--json"], { home });
  assert.equal(added.code, 0, added.stderr);
  return { home, logs, added, run: (...args: string[]) => unum(["logs", ...args], { home }) };
}

describe("unum logs", LIMIT, () => {
  it("takes a folder in and finds in it, as lines, JSON, CSV, count, histogram", async () => {
    const lines = sample(500);
    const { run, added } = await withLogs(lines);
    const [address = ""] = (lines[7] ?? "").split(" ");
    const query = { ...ALWAYS, addresses: AddressSet.parse([address]) };
    const wanted = scanPlainly(lines, query);
    const [asLines, asleep, json, csv, count, histogram] = await Promise.all([
      run("find", "--ip", address),
      run("find", "--ip", address, "--asleep"),
      run("find", "--ip", address, "--json"),
      run("find", "--ip", address, "--csv"),
      run("find", "--from", "2015-05-18T12:00", "--to", "+6h", "--count"),
      run("find", "--histogram"),
    ]);
    assert.equal(jsonLines(added)[0].records, 500);
    assert.equal(asLines.stdout, textOf(wanted));
    assert.match(asLines.stderr, new RegExp(`^${wanted.length} records? in `));
    assert.equal(asleep.stdout, asLines.stdout);
    assert.deepEqual(
      jsonLines(json).map(({ line }) => line),
      wanted,
    );
    assert.equal(csv.stdout.trimEnd().split("\n").length, wanted.length + 1);
    const span = { from: 1_431_907_200 + 43_200, to: 1_431_907_200 + 64_800 };
    assert.equal(count.stdout, `${scanPlainly(lines, span).length}\n`);
    assert.match(histogram.stdout, /^2015-05-18 \d\d:00 +\d+ +█+/m);
    for (const { code } of [asLines, asleep, json, csv, count, histogram]) assert.equal(code, 0);
  });

  it("counts: times, top, distinct, estimate, status", async () => {
    const lines = sample(400);
    const { run } = await withLogs(lines);
    const [address = ""] = (lines[0] ?? "").split(" ");
    const [times, top, distinct, estimate, plan, status] = await Promise.all([
      run("times", address, "--json"),
      run("top", "-n", "3", "--json"),
      run("distinct", "--exact", "--json"),
      run("estimate", "find", "--ip", address, "--json"),
      run("estimate", "--plan", "1e6", "--json"),
      run("status", "--check", "--json"),
    ]);
    const addresses = lines.map((line) => line.split(" ")[0]);
    assert.equal(jsonLines(times)[0].records, addresses.filter((each) => each === address).length);
    const counts = jsonLines(top).map(({ records }) => records);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => b - a),
    );
    assert.equal(jsonLines(distinct)[0].distinct, new Set(addresses).size);
    assert.ok(jsonLines(estimate)[0].records >= jsonLines(times)[0].records);
    assert.equal(jsonLines(plan)[0].records, 365e6);
    assert.deepEqual([jsonLines(status)[0].records, jsonLines(status)[0].state, status.code], [400, "awake", 0]);
  });

  it("sleeps and wakes, tells bad lines, and reads only what is new", async () => {
    const lines = sample(100);
    const { run, logs } = await withLogs(lines);
    appendFileSync(join(logs, "access.log"), `broken\n${textOf(sample(10, 2))}`);
    const again = await run("add", logs);
    const once = await run("add", logs);
    const bad = await run("status", "--bad");
    const slept = await run("sleep", "nginx");
    const asleep = await run("find", "--count");
    const state = await run("status", "--json");
    const woken = await run("wake", "nginx");
    const awake = await run("find", "--count");
    assert.match(again.stdout, /^nginx: 10 records from 1 file/);
    assert.match(again.stderr, /access\.log: 1 line could not be read; line 101 has no \[time\]/);
    assert.match(once.stdout, /nothing new/);
    assert.match(bad.stdout, /access\.log:101: has no \[time\]/);
    assert.match(slept.stdout, /^nginx is asleep: 110 records/);
    assert.equal(jsonLines(state)[0].state, "asleep");
    assert.match(woken.stdout, /^nginx is awake: 110 records, open in/);
    assert.deepEqual([asleep.stdout, awake.stdout], ["110\n", "110\n"]);
  });

  it("lets go of what is too old, and remembers it", async () => {
    const { run } = await withLogs(sample(100));
    const retained = await run("retain", "nginx", "--days", "30", "--json");
    const forever = await run("retain", "nginx", "--forever");
    const count = await run("find", "--count");
    assert.deepEqual(jsonLines(retained)[0], { name: "nginx", days: 30, dropped: 100, records: 0, bytes: 0 });
    assert.match(forever.stdout, /^nginx: 0 records let go of; 0 records .*are kept/);
    assert.equal(count.stdout, "0\n");
  });

  it("takes a folder out of the index, and in again from its beginning; a server is no longer asked", async () => {
    const { run, logs } = await withLogs(sample(100));
    await run("retain", "nginx", "--days", "30");
    const nothing = await run("add", logs);
    const removed = await run("remove", "nginx");
    const again = await run("add", logs);
    await run("add", "http://127.0.0.1:1/web", "--name", "dead");
    const missing = await run("find", "--count");
    const server = await run("remove", "dead", "--json");
    const whole = await run("find", "--count");
    assert.match(nothing.stdout, /nothing new/);
    assert.match(removed.stdout, /^nginx: 0 records removed from the index; the logs stay/);
    assert.match(again.stdout, /^nginx: 100 records from 1 file/);
    assert.deepEqual([missing.code, whole.code, whole.stdout], [1, 0, "100\n"]);
    assert.deepEqual(jsonLines(server)[0], { name: "dead", what: "server", records: 0 });
  });

  it("names addresses that were never seen, among those that were", async () => {
    const lines = sample(20);
    const { run } = await withLogs(lines);
    const [address = ""] = (lines[0] ?? "").split(" ");
    const asText = await run("times", address, "0.0.0.0", "203.0.113.0/32");
    const asJson = await run("times", "--json", address, "0.0.0.0");
    assert.match(asText.stderr, /^never seen: 0\.0\.0\.0$/m);
    assert.deepEqual(jsonLines(asJson)[1], { address: "0.0.0.0", records: 0 });
  });

  it("refuses what is wrong or costs too much, with the way out", async () => {
    const { run, home } = await withLogs(sample(300));
    const cases: readonly [args: string[], code: number, says: RegExp][] = [
      [["find", "--from", "2015-05-19", "--to", "2015-05-18"], 2, /before it begins .*swap them/],
      [["find", "--ip", "10.0.0.1,10.0.0.0/33"], 2, /'10.0.0.0\/33' .*an IPv4 prefix has 0 to 32 bits/],
      [["find", "--from", "2015-05-18", "--to", "1h"], 2, /'1h' for to is no moment; write \+1h for so long after/],
      [["find", "--in", "ngnix"], 2, /did you mean 'nginx'/],
      [["find", "--csv", "--raw"], 2, /do not go together/],
      [["find", "--max-records", "10"], 4, /up to 300 records, the limit is 10; ask for less/],
      [["find", "--ips", join(home, "none.txt")], 2, /none\.txt cannot be read/],
      [["add", join(home, "nowhere")], 2, /there is no file or folder/],
      [["add", home, "--format", "xml"], 2, /there is no format 'xml'; write auto/],
      [["serve", "--host", "0.0.0.0"], 2, /a --token is needed/],
      [["retain", "nginx"], 2, /--days 90, or --forever/],
      [["retain", "nginx", "--days", "none"], 2, /a number above 0/],
      [["fnd"], 2, /did you mean 'unum logs find'/],
      [["fnd", "--ip", "10.0.0.1"], 2, /did you mean 'unum logs find'/],
      [["remove", "ngnix"], 2, /did you mean 'nginx'/],
    ];
    for (const [args, code, says] of cases) {
      const ended = await run(...args);
      assert.match(ended.stderr, says, args.join(" "));
      assert.equal(ended.code, code, args.join(" "));
    }
    const none = await unum(["logs", "find"], { home: await scratch() });
    assert.match(none.stderr, /there is no index in .*; 'unum logs add FOLDER' makes one/);
    assert.equal(none.code, 2);
  });

  it("keeps both families apart: a component that is called like a subcommand is reached after --", async () => {
    const home = await scratch();
    const [help, component] = await Promise.all([
      unum(["logs", "--help"], { home }),
      unum(["logs", "--", "add"], { home }),
    ]);
    assert.match(help.stdout, /log index/);
    assert.match(help.stdout, /^ {2}find \[options\]/m);
    assert.match(component.stderr, /'add' is no component, program or container/);
  });

  it("serves by HTTP, is added elsewhere by its URL, and is named when it is gone", async () => {
    const [mine, theirs] = [sample(50, 1), sample(70, 2)];
    const here = await withLogs(mine);
    const there = await withLogs(theirs);
    const server = start(["logs", "serve", "--port", "0", "--json"], { home: there.home });
    const line = await createInterface(server.stdout ?? process.stdin)
      [Symbol.asyncIterator]()
      .next();
    const { url } = JSON.parse(line.value ?? "");
    const added = await here.run("add", `${url}nginx`, "--name", "other");
    const both = await here.run("find", "--raw");
    const top = await here.run("top", "-n", "1000", "--json");
    const fetched = await (await fetch(`${url}nginx?from=2015-05-18&format=raw`)).text();
    server.kill("SIGKILL");
    await once(server, "close");
    const alone = await here.run("find", "--raw");
    assert.match(added.stdout, /^other: 70 records at http/);
    assert.deepEqual(both.stdout.split("\n").sort(), `${textOf(mine)}${textOf(theirs)}`.split("\n").sort());
    assert.equal(
      jsonLines(top).reduce((sum, { records }) => sum + records, 0),
      120,
    );
    assert.equal(fetched, textOf(scanPlainly(theirs, ALWAYS)));
    assert.equal(alone.stdout, textOf(scanPlainly(mine, ALWAYS)));
    assert.match(alone.stderr, /missing: other, 1970-01-01T00:00:00Z to .*cannot be reached/);
    assert.equal(alone.code, 1);
  });

  it("collects lines from servers into ordered logs, and Ctrl-C writes what is held", async () => {
    const home = await scratch();
    const lines = sample(60);
    const collector = start(
      ["logs", "collect", "--listen", "127.0.0.1:0", "--into", join(home, "collected"), "--json"],
      { home },
    );
    const line = await createInterface(collector.stdout ?? process.stdin)
      [Symbol.asyncIterator]()
      .next();
    const { url } = JSON.parse(line.value ?? "");
    const sent = await Promise.all(
      [lines.slice(30), lines.slice(0, 30)].map(async (half) =>
        (await fetch(url, { method: "POST", body: textOf(half) })).json(),
      ),
    );
    collector.kill("SIGINT");
    const [code] = await once(collector, "close");
    const found = await unum(["logs", "find", "--raw"], { home });
    assert.deepEqual(sent, [
      { accepted: 30, refused: 0 },
      { accepted: 30, refused: 0 },
    ]);
    assert.equal(code, 0);
    assert.deepEqual(found.stdout.split("\n").sort(), textOf(lines).split("\n").sort());
  });

  it("makes the same sample for the same seed", async () => {
    const [a, b, c] = await Promise.all(
      ["1", "1", "2"].map((seed) => unum(["logs", "sample", "--lines", "200", "--seed", seed])),
    );
    assert.equal(a?.stdout, b?.stdout);
    assert.notEqual(a?.stdout, c?.stdout);
    assert.equal(a?.stdout.split("\n").length, 201);
  });
});
