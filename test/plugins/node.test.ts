// Plugins in a node of real processes: what they decide, what they are told, and what becomes of a node when one is wrong.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { endNodes, up as upNode } from "../cli/node.ts";
import { cleanUp, scratch, unum } from "../cli/unum.ts";
import { parsedExposition, promtoolSays } from "../exposition.ts";
import { LongWork, Work } from "../gen/unum/test/v1/work_pb.ts";
import { startNode, type TestNode } from "../governor/node.ts";

const nodes: TestNode[] = [];
after(async () => {
  await Promise.all(nodes.map((each) => each.end()));
  await endNodes();
  await cleanUp();
});

type Status = Awaited<ReturnType<TestNode["status"]>>;
const serving = (count: number) => (status: Status) =>
  status.containers.filter(({ state }) => state === "serving").length >= count;
const says = (text: RegExp) => (status: Status) => status.events.some((event) => text.test(event.text));

const module = (name: string) => join(import.meta.dirname, "modules", `${name}.ts`);

async function node(
  plugins: readonly { file: string; settings?: Record<string, unknown> }[],
  limits: Parameters<typeof startNode>[0] = {},
): Promise<TestNode> {
  const files = plugins.map(({ file, settings = {} }) => ({ file, settings }));
  const started = await startNode(limits, { plugins: files });
  nodes.push(started);
  return started;
}

/** A port that nobody listened at a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

// Most of their time they wait: for budgets of 5 s to be over, for processes to start. So two run beside each other.
const BESIDE = { timeout: 600_000, concurrency: 2 };

describe("plugins of a node", BESIDE, () => {
  it("spare a zombie: it lives on past its budget, and the plugin was told why", async () => {
    const file = join(await scratch(), "spared");
    const own = await node([{ file: module("spare"), settings: { file } }], { node: { containers: 1 } });
    await own.until(serving(1));
    const [{ pid } = assert.fail()] = (await own.status()).containers;
    const blocked = own.client.call(Work.method.do, { blockMs: 9_000, key: "late" }, { ttlMs: 60_000 });
    await own.until(({ containers }) => containers.some(({ reason }) => /a plugin spares it/.test(reason)));
    assert.equal((await blocked).key, "late");
    await own.until(says(/answers again/));
    assert.match(await readFile(file, "utf8"), /^k\w+ its loop has not turned for \d+ ms/);
    assert.equal((await own.status()).containers[0]?.pid, pid);
    await own.end();
  });

  it("that throw from every hook leave every default, and status says it", async () => {
    const own = await node([{ file: module("throws") }]);
    await own.until((status) => serving(2)(status) && status.containers.some(({ state }) => state === "spare"));
    const { events } = await own.until(says(/'spares' failed: broken on purpose; the default holds/));
    assert.ok(events.some(({ text }) => text.includes(module("throws"))));
    await assert.rejects(own.client.call(Work.method.do, { blockMs: 60_000 }, { ttlMs: 30_000 }), { code: "unknown" });
    await own.until(says(/is killed: its loop has not turned/));
    await own.end();
  });

  it("load components in the built-in loader's place", async () => {
    const own = await node([{ file: module("one-component") }]);
    const status = await own.until(serving(1));
    const served = status.containers.flatMap(({ components }) => components.map(({ contract }) => contract));
    assert.deepEqual([...new Set(served)], ["unum.test.v1.Work"]);
    await assert.rejects(own.client.of(LongWork).do({}), { code: "undeliverable" });
    await own.end();
  });

  it("that should seal and cannot leave nothing served, and status names file and hook", async () => {
    const started = startNode({}, { plugins: [{ file: module("no-key"), settings: {} }] });
    const own = await started;
    nodes.push(own);
    const end = performance.now() + 300_000;
    let status = await own.status();
    while (status.problems.length === 0 && performance.now() < end) status = await own.status();
    assert.match(status.problems[0]?.text ?? "", /no-key\.ts: 'open' failed: the key is not there/);
    assert.deepEqual(
      status.containers.flatMap(({ components }) => components),
      [],
    );
    await own.end();
  });

  it("trace a call into the container's process, under the caller's trace", async () => {
    const file = join(await scratch(), "spans");
    const own = await node([{ file: module("tracing"), settings: { file } }]);
    await own.until(serving(1));
    const traceId = "5".repeat(32);
    const { pid } = await own.client.call(Work.method.do, {}, { traceparent: `00-${traceId}-${"6".repeat(16)}-01` });
    const spans = (await readFile(file, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(spans, [{ traceId, name: "unum.test.v1.Work/Do", pid }]);
    await own.end();
  });

  it("answer Prometheus: calls by outcome, and what promtool and a strict reader find well formed", async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const metrics = join(import.meta.dirname, "../../src/plugins/metrics.ts");
    const own = await node([{ file: metrics, settings: { at } }]);
    await own.until(serving(2));
    await own.client.call(Work.method.do, { key: "one" });
    await assert.rejects(own.client.call(Work.method.do, { exit: 3 }, { ttlMs: 60_000 }), { code: "unknown" });
    for (let i = 0; i < 4; i++) {
      await own.client.call(Work.method.do, { key: `${i}` }, { ttlMs: 30_000, withinMs: 20_000 });
    }
    // The calls may all be answered before another stands in for the one that ended.
    await own.until((now) => says(/exited with code 3/)(now) && serving(2)(now));
    const text = await (await fetch(`http://${at}/metrics`)).text();
    const found = parsedExposition(text);
    const sum = (name: string, labels: Record<string, string> = {}) =>
      (found.get(name)?.samples ?? [])
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((total, { value }) => total + value, 0);
    // Of the container that is gone nothing is counted any more.
    assert.ok(sum("unum_calls_total", { method: "Do", outcome: "ok" }) >= 4, text);
    assert.equal(sum("unum_containers_ended_total", { how: "crashed" }), 1);
    assert.ok(sum("unum_containers_started_total") >= 3);
    assert.ok(sum("unum_processor_seconds_total") > 0);
    assert.ok(sum("unum_connections", { side: "dialled" }) >= 2);
    for (const name of [
      "unum_memory_bytes",
      "unum_processor_seconds_total",
      "unum_inbox_waiting",
      "unum_free_places",
      "unum_wire_bytes_total",
    ]) {
      assert.ok(found.has(name), name);
    }
    const said = promtoolSays(text);
    assert.equal(said ?? "", "");
    assert.equal((await fetch(`http://${at}/other`)).status, 404);
    assert.equal((await fetch(`http://${at}/metrics`, { method: "POST" })).status, 405);
    await own.end();
  });
});

describe("a plugin that is wrong", BESIDE, () => {
  const up = async (...args: string[]) => {
    const home = await scratch();
    return unum(["up", "--components", "examples/01-one-process/components", ...args], { home });
  };

  it("keeps a node from starting, and says file and field", async () => {
    const folder = await scratch();
    const file = join(folder, "bad.ts");
    await writeFile(file, `export default { name: "bad", version: "1.0.0", kind: "livecycle", open: () => ({}) };\n`);
    const { code, stderr } = await up("--plugin", file);
    assert.equal(code, 1);
    assert.match(stderr, /bad\.ts: 'kind' is 'livecycle', expected one of .*did you mean 'lifecycle'\?/);
    await writeFile(file, "export default {\n  name: ;\n};\n");
    assert.match((await up("--plugin", file)).stderr, /bad\.ts:2:\d+: SyntaxError/);
  });

  it("is a matter of usage where it is not there, of another kind, or its list is none", async () => {
    const folder = await scratch();
    const list = join(folder, "list.json");
    const wrong = async (message: RegExp, ...args: string[]) => {
      const { code, stderr } = await up(...args);
      assert.match(stderr, message);
      assert.equal(code, 2, stderr);
    };
    const apart = [
      wrong(/there is no plugin .*nowhere\.ts/, "--plugin", join(folder, "nowhere.ts")),
      wrong(/'0\.0\.0\.0:9464' is not HOST:PORT of this computer alone/, "--metrics", "0.0.0.0:9464"),
      wrong(/need a port that stays the same/, "--metrics", "127.0.0.1:0"),
    ];
    await writeFile(list, `[{ "fil": "x.ts" }]`);
    await wrong(/list\.json: \[0\] has a field 'fil'; there are 'file' and 'settings'/, "--plugin", list);
    await writeFile(list, `{`);
    await wrong(/list\.json: /, "--plugin", list);
    await Promise.all(apart);
    const other = await up("--loader", module("spare"));
    assert.match(other.stderr, /spare\.ts: 'kind' is 'lifecycle', expected 'loader'/);
    assert.equal(other.code, 1);
  });

  it("is ended with its governor where a hook never comes back, and the next governor does without it", async () => {
    const folder = await scratch();
    const [file, flag] = [join(folder, "hangs.ts"), join(folder, "flag")];
    await writeFile(
      file,
      `      import { existsSync } from "node:fs";
      const spares = () => { while (existsSync(${JSON.stringify(flag)})); };
      export default { name: "hangs", version: "1.0.0", kind: "lifecycle", open: () => ({ spares }) };\n`,
    );
    const own = await upNode("examples/01-one-process/components", ["--plugin", file], { home: await scratch() });
    const { pid } = await own.status();
    await writeFile(flag, "");
    const text = /hangs\.ts: 'spares' did not come back; it is left out until its file changes/;
    let status = await own.status();
    const end = performance.now() + 300_000;
    while (status.pid === pid || !status.events.some((event: { text: string }) => text.test(event.text))) {
      assert.ok(performance.now() < end, own.said());
      status = await own.status();
    }
    assert.match(own.said(), /'spares' has not come back|the governor was ended by SIGKILL/);
    const called = await unum(["call", "example.v1.Greeter/Greet", "{}", "--within", "10s"], { home: own.home });
    assert.match(called.stderr, /nobody has no name/);
    await endNodes();
  });

  it("is left out by a governor that is started again, and the node goes on", async () => {
    const folder = await scratch();
    const file = join(folder, "later.ts");
    const good = `export default { name: "later", version: "1.0.0", kind: "lifecycle", open: () => ({ spares: () => 0 }) };\n`;
    await writeFile(file, good);
    const own = await node([{ file }]);
    const before = await own.until(serving(2));
    await writeFile(file, "export default 3;\n");
    await own.killGovernor();
    const status = await own.until(
      (now) => serving(2)(now) && says(/later\.ts: its default export is 3.*; it is left out/)(now),
    );
    const pids = ({ containers }: Status) =>
      containers
        .filter(({ state }) => state === "serving")
        .map(({ pid }) => pid)
        .sort();
    assert.deepEqual(pids(status), pids(before));
    await own.end();
  });
});
