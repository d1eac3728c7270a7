// Indexes that ask each other: folders, servers at URLs, deadlines, loops, tokens, limits. The servers are functions here; what only
// sockets can show is in command.test.ts.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Part } from "../../src/log-index/find/batch.ts";
import type { Query } from "../../src/log-index/find/query.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { DEFAULT_COST_LIMITS, miniserver } from "../../src/log-index/server/miniserver.ts";
import { addLogs, addUrl } from "../../src/log-index/tree/add-logs.ts";
import { identified, identityOf, readConfig } from "../../src/log-index/tree/config.ts";
import { IndexDispatcher } from "../../src/log-index/tree/index-dispatcher.ts";
import type { Fetch } from "../../src/log-index/tree/url-dispatcher.ts";
import { systemEnv } from "../../src/system/env.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { ALWAYS, answerOf, ask, scanPlainly } from "./plain-scan.ts";

const { clock } = systemEnv();
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  return folder;
}

function sample(lines: number, seed: number, start = 1_431_907_200): string[] {
  const parts = [...sampleLog({ lines, days: 1, seed, start, format: "combined" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

/** An index of these lines under the name "web". */
async function indexOf(lines: readonly string[]): Promise<string> {
  const folder = await scratch();
  const raw = join(folder, "web");
  mkdirSync(raw);
  writeFileSync(join(raw, "access.log"), lines.map((line) => `${line}\n`).join(""));
  await addLogs({ home: join(folder, "home"), path: raw, format: "auto", segmentRows: 200 });
  return join(folder, "home");
}

/** Servers by their host names; others cannot be reached. */
class Net {
  readonly servers = new Map<string, (request: Request) => Response | Promise<Response>>();
  readonly asked: string[] = [];
  #questions = 0;
  readonly fetch: Fetch = async (url, init) => {
    const { host } = new URL(url);
    this.asked.push(host);
    const serve = this.servers.get(host);
    if (serve === undefined) throw new TypeError("fetch failed", { cause: new Error(`connect ECONNREFUSED ${host}`) });
    return serve(new Request(url, init));
  };

  serve(host: string, folder: string, more: { token?: string; records?: number } = {}): void {
    const limits = { ...DEFAULT_COST_LIMITS, ...(more.records === undefined ? {} : { records: more.records }) };
    const newQuestion = () => `${host} ${this.#questions++}`;
    const server = miniserver({ folder, clock, fetch: this.fetch, id: host, limits, token: more.token, newQuestion });
    this.servers.set(host, (request) => server.fetch(request));
  }

  root(folder: string, on = clock, id?: string): IndexDispatcher {
    const newQuestion = () => `root ${this.#questions++}`;
    return new IndexDispatcher({ folder, name: "", clock: on, fetch: this.fetch, newQuestion, id });
  }
}

const byTime = (lines: readonly string[], query: Query = ALWAYS) => scanPlainly(lines, query);

describe("a folder of indexes", () => {
  it("asks only those that the span touches, and is the plain scan of all its files", async () => {
    const folder = await scratch();
    const days = ["2015-05-18", "2015-05-19", "2015-05-20"].map((day, i) => ({
      day,
      lines: sample(300, i, 1_431_907_200 + i * 86_400),
    }));
    for (const { day, lines } of days) {
      mkdirSync(join(folder, "logs", day, "deep"), { recursive: true });
      writeFileSync(join(folder, "logs", day, "deep", "access.log"), lines.map((line) => `${line}\n`).join(""));
    }
    const home = join(folder, "home");
    const sum = await addLogs({ home, path: join(folder, "logs"), format: "auto", segmentRows: 100 });
    const root = new Net().root(home);
    const second = { from: 1_431_907_200 + 90_000, to: 1_431_907_200 + 100_000 };
    const logs = root.at("logs");
    assert.equal(sum.records, 900);
    assert.deepEqual(
      logs?.map(second).map(({ name }) => name),
      ["logs/2015-05-19"],
    );
    assert.deepEqual(
      (await ask(root, second)).lines,
      byTime(
        days.flatMap(({ lines }) => lines),
        second,
      ),
    );
    // A config that is lost is made again, and then all are asked.
    rmSync(join(home, "logs", "config.json"));
    const again = new Net().root(home);
    assert.equal(again.at("logs")?.map(second).length, 3);
    assert.deepEqual(
      (await ask(again, second)).lines,
      byTime(
        days.flatMap(({ lines }) => lines),
        second,
      ),
    );
    assert.equal(readConfig(join(home, "logs")).folders.length, 3);
  });
});

describe("an index at a URL", () => {
  it("is asked as one of the index's own, and the answers are put together by time", async () => {
    const net = new Net();
    const [here, there] = [sample(300, 1), sample(300, 2)];
    const home = await indexOf(here);
    net.serve("b", await indexOf(there), { token: "secret" });
    addUrl(home, "http://b/web", { token: "secret" });
    const root = net.root(home);
    const query = { ...ALWAYS, addresses: AddressSet.parse(["0.0.0.0/2"]) };
    const both = [...here, ...there];
    const { lines, gaps } = await ask(root, query);
    const tally = await root.tally(query, { addresses: true, sketch: true, bucketSeconds: 3600 });
    const cost = await root.estimate(query);
    assert.deepEqual(gaps, []);
    assert.deepEqual([...lines].sort(), [...byTime(both, query)].sort());
    assert.deepEqual(lines, byTime([...byTime(here, query), ...byTime(there, query)]));
    assert.equal(tally.count, lines.length);
    assert.equal(tally.addresses.different, new Set(lines.map((line) => line.split(" ")[0])).size);
    assert.deepEqual([cost.nodes, cost.records >= lines.length], [2, true]);
  });

  it("that is dead, refuses or forgot is named with what is missing, and the others are whole", async () => {
    const net = new Net();
    const mine = sample(200, 1);
    const home = await indexOf(mine);
    net.serve("locked", await indexOf(sample(50, 2)), { token: "secret" });
    net.serve("costly", await indexOf(sample(50, 3)), { records: 10 });
    addUrl(home, "http://dead/web", {});
    addUrl(home, "http://locked/web", { token: "wrong" });
    addUrl(home, "http://costly/web", {});
    addUrl(home, "http://costly/nowhere", {});
    const { lines, gaps } = await ask(net.root(home), ALWAYS);
    const why = (name: string) => gaps.find(({ where }) => where === name)?.why ?? "";
    assert.deepEqual(lines, byTime(mine));
    assert.equal(gaps.length, 4);
    assert.match(why("dead-web"), /cannot be reached: connect ECONNREFUSED/);
    assert.match(why("locked-web"), /401.*token/);
    assert.match(why("costly-web"), /429.*the limits are 10 records/);
    assert.match(why("costly-nowhere"), /404.*there is no index/);
    for (const { from, to } of gaps) assert.deepEqual({ from, to }, ALWAYS);
  });

  it("that hangs is missing at the deadline, among 32, and asking it again brings what was missing alone", async () => {
    const net = new Net();
    const virtual = new VirtualClock();
    const home = await scratch();
    const logs = Array.from({ length: 32 }, (_, i) => sample(20, i));
    for (const [i, lines] of logs.entries()) {
      net.serve(`s${i}`, await indexOf(lines));
      addUrl(home, `http://s${i}/web`, { name: `s${i}` });
    }
    const whole = net.servers.get("s7");
    net.servers.set("s7", () => new Promise<Response>(() => {}));
    const root = net.root(home, virtual);
    const found: Part[] = [];
    let isDone = false;
    const asking = (async () => {
      for await (const part of root.find(ALWAYS, { deadlineMs: 100 })) found.push(part);
      isDone = true;
    })();
    while (net.asked.length < 32) await turn();
    // The others are functions of this process, so that they are through after so many turns of it.
    for (let i = 0; i < 1_000; i++) await turn();
    virtual.advance(99);
    await turn();
    assert.equal(isDone, false);
    virtual.advance(1);
    await asking;
    const { lines, gaps } = await answerOf(fromList(found));
    assert.deepEqual([...lines].sort(), [...byTime(logs.filter((_, i) => i !== 7).flat())].sort());
    assert.deepEqual(gaps, [{ where: "s7", ...ALWAYS, why: "did not answer within 100 ms" }]);
    net.servers.set("s7", whole ?? (() => new Response()));
    const [gap] = gaps;
    const rest = await ask(root.at(gap?.where ?? "") ?? root, gap ?? ALWAYS);
    assert.deepEqual(rest.lines, byTime(logs[7] ?? []));
  });

  it("that breaks off in the middle leaves a gap from there on", async () => {
    const net = new Net();
    const theirs = sample(3_000, 4);
    const home = await scratch();
    net.serve("b", await indexOf(theirs));
    const serve = net.servers.get("b");
    net.servers.set("b", async (request) => {
      const response = await (serve?.(request) ?? new Response());
      if (!request.url.endsWith("/find")) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return new Response(bytes.subarray(0, Math.floor(bytes.length / 2)));
    });
    addUrl(home, "http://b/web", { name: "b" });
    const { lines, gaps } = await ask(net.root(home), ALWAYS);
    assert.match(gaps[0]?.why ?? "", /stopped before its end/);
    assert.deepEqual(lines, byTime(theirs).slice(0, lines.length));
  });

  it("that leads back ends, and nothing is found twice", async () => {
    const net = new Net();
    const [a, b, c] = [sample(60, 1), sample(60, 2), sample(60, 3)];
    const homes = [await indexOf(a), await indexOf(b), await indexOf(c)];
    const names = ["a", "b", "c"];
    for (const [i, home] of homes.entries()) {
      net.serve(names[i] ?? "", home);
      addUrl(home, `http://${names[(i + 1) % 3]}/`, { name: "next" });
    }
    // Not served, and still the index that servers know as a.
    const root = net.root(homes[0] ?? "", clock, "a");
    const facts = await root.facts();
    assert.deepEqual([facts.records, facts.loops], [180, ["next/next/next"]], "a loop is named");
    assert.equal((await ask(root, ALWAYS)).lines.length, 180);
    assert.deepEqual(JSON.parse(await (await net.fetch("http://a/", {})).text()).loops, ["next/next/next"]);
    const response = await net.fetch("http://a/?from=2015-05-18&format=raw", {});
    const lines = (await response.text()).trimEnd().split("\n");
    assert.deepEqual([...lines].sort(), [...a, ...b, ...c].sort());
  });
});

describe("a server that is reached by several ways", () => {
  it("answers once, whole or a part of it, and whatever is asked", async () => {
    const net = new Net();
    const [here, left, right, shared] = [sample(60, 1), sample(60, 2), sample(60, 3), sample(60, 4)];
    const homes = [await indexOf(here), await indexOf(left), await indexOf(right)];
    net.serve("d", await indexOf(shared));
    for (const [i, name] of ["b", "c"].entries()) {
      net.serve(name, homes[i + 1] ?? "");
      addUrl(homes[i + 1] ?? "", i === 0 ? "http://d/" : "http://d/web", { name: "shared" });
      addUrl(homes[0] ?? "", `http://${name}/`, { name });
    }
    // And by a way of its own, under two names.
    addUrl(homes[0] ?? "", "http://d/", { name: "d" });
    addUrl(homes[0] ?? "", "http://d/web", { name: "again" });
    const root = net.root(homes[0] ?? "");
    const all = [...here, ...left, ...right, ...shared];
    for (let time = 0; time < 2; time++) {
      const { lines, gaps } = await ask(root, ALWAYS);
      assert.deepEqual([[...lines].sort(), gaps], [[...all].sort(), []]);
      assert.equal((await root.tally(ALWAYS, { addresses: true })).count, 240);
      assert.equal((await root.facts()).records, 240);
      assert.equal((await root.estimate(ALWAYS)).records, 240);
    }
    // One way breaks: what it would have brought is named, and asking there again brings it.
    const serve = net.servers.get("b");
    net.servers.set("b", () => new Response("down", { status: 503 }));
    const without = await ask(root, ALWAYS);
    assert.deepEqual(
      without.gaps.map(({ where }) => where),
      ["b"],
    );
    assert.deepEqual([...without.lines].sort(), [...here, ...right, ...shared].sort());
    if (serve !== undefined) net.servers.set("b", serve);
    const rest = await ask(root.at("b") ?? root, ALWAYS);
    assert.deepEqual([...rest.lines].sort(), [...left, ...shared].sort());
  });

  it("is another one where its index was copied, and the same one wherever it is served from", async () => {
    const home = await indexOf(sample(5, 1));
    const first = identified(home, "north", () => "one");
    assert.equal(
      identified(home, "north", () => "two"),
      first,
    );
    assert.equal(identityOf(home, "north"), "one");
    assert.equal(identityOf(home, "south"), undefined);
    assert.equal(
      identified(home, "south", () => "three"),
      "three",
    );
    assert.equal(readConfig(home).folders.length, 1);
  });
});

describe("a miniserver", () => {
  it("lists its contents, answers in every format, and says what it cannot read", async () => {
    const net = new Net();
    const lines = sample(40, 9);
    net.serve("a", await indexOf(lines));
    const get = async (path: string) => {
      const response = await net.fetch(`http://a${path}`, {});
      return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
    };
    const listing = JSON.parse((await get("/")).text);
    assert.deepEqual([listing.folders, listing.records], [["web"], 40]);
    assert.equal(JSON.parse((await get("/web")).text).records, 40);
    const [first = ""] = byTime(lines);
    const raw = await get("/web?from=2015-05-18&to=%2B1d&format=raw");
    assert.equal(
      raw.text,
      byTime(lines)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const ndjson = (await get("/web?from=2015-05-18&limit=1")).text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([ndjson[0].line, ndjson.at(-1)], [first, { end: true, gaps: [] }]);
    const csv = await get(`/web?ip=${first.split(" ")[0]}&format=csv`);
    assert.match(csv.text, /^time,address,status,size,line\n2015-05-18T/);
    const wrong: readonly [path: string, status: number, text: RegExp][] = [
      ["/nowhere?from=2015-05-18", 404, /no index/],
      ["/web?from=2015-05-19&to=2015-05-18", 400, /before it begins/],
      ["/web?ip=10.0.0.0/40", 400, /0 to 32 bits/],
      ["/web?from=yesterday", 400, /no moment/],
      ["/web?from=2015-05-18&format=xml", 400, /no format/],
      ["/web?form=2015-05-18", 400, /no parameter 'form'; write from, to, ip/],
    ];
    for (const [path, status, text] of wrong) {
      const found = await get(path);
      assert.equal(found.status, status, path);
      assert.match(found.text, text);
    }
    const broken = await net.fetch("http://a/web/-/find", { method: "POST", body: "{from" });
    assert.equal(broken.status, 400);
    assert.match(await broken.text(), /the body is no JSON/);
    // A plus in a URL that nobody encoded.
    assert.equal((await get("/web?from=2015-05-18T02:00:00+02:00&to=+1d&format=raw")).text, raw.text);
    assert.equal(JSON.parse((await get("/-/openapi.json")).text).openapi, "3.1.0");
  });
});

async function* fromList(parts: readonly Part[]): AsyncGenerator<Part> {
  yield* parts;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
