// What a program in a real confined cell asks its container for: every verb towards other components, and the machine's own
// contracts, each by its capability. Whoever is asked, is asked in earnest: a second container, a store on disk, timers.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Greeter } from "../../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import { CELL_PROGRAM } from "../../src/cli/process/governor-start.ts";
import { type Client, newClient } from "../../src/client/client.ts";
import { brokerOf } from "../../src/container/cell/broker.ts";
import { Cell } from "../../src/container/cell/cell.ts";
import { componentsOf } from "../../src/container/cell/component-cell.ts";
import { component } from "../../src/container/component.ts";
import { programStoreOf } from "../../src/machine/functions/program-store.ts";
import { MOST_TIMERS, programTimerOf } from "../../src/machine/functions/program-timer.ts";
import { Functions } from "../../src/messages/gen/unum/machine/v1/functions_pb.ts";
import { loadComponents } from "../../src/node/load-components.ts";
import { type RunningContainer, runContainer } from "../../src/node/run-container.ts";
import { fileStore } from "../../src/stores/file-store.ts";
import { confinementLayers, startConfined } from "../../src/system/confinement.ts";
import { systemDisk } from "../../src/system/disk.ts";
import { systemEnv } from "../../src/system/env.ts";
import { DirectNetwork } from "../../src/transports/direct.ts";
import { root } from "../cli/unum.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;
const OWN = ["src", "node_modules", "package.json"].map((name) => join(root, name));
const TTL = { ttlMs: 60_000 };
const ALL = ["send=example.kitchen.v1.*", "store", "timer", "machine"];

/** Runs the code that it is greeted with, and says what came of it. */
const RUNNER = `import { Worker } from "node:worker_threads";
import { component } from "unum";
import { Greeter } from "./gen/greeter_pb.ts";
import { Kitchen } from "./gen/kitchen_pb.ts";
const text = (value) => JSON.stringify(value, (_, each) => (typeof each === "bigint" ? Number(each) : each instanceof Uint8Array ? Buffer.from(each).toString() : each)) ?? "nothing";
const Run = (async () => {}).constructor;
export default component(Greeter, {
  async greet({ name }, call) {
    try {
      return { text: text(await new Run("call", "Kitchen", "Greeter", "kept", "Worker", name)(call, Kitchen.method, Greeter.method, call.environment, Worker)) };
    } catch (error) {
      return { text: (error.code ?? error.type) + ": " + error.message };
    }
  },
}, { concurrency: 8 });
`;

const home = mkdtempSync(join(tmpdir(), "unum-system-"));
const env = systemEnv();
const gen = (example: string, name: string) =>
  readFileSync(join(root, `examples/${example}/components/${name}/gen/${name}_pb.ts`));

before(() => {
  mkdirSync(join(home, "components/runner/gen"), { recursive: true });
  writeFileSync(join(home, "components/runner/runner.ts"), RUNNER);
  writeFileSync(join(home, "components/runner/gen/greeter_pb.ts"), gen("01-one-process", "greeter"));
  writeFileSync(join(home, "components/runner/gen/kitchen_pb.ts"), gen("03-modes", "kitchen"));
});
after(() => rmSync(home, { recursive: true, force: true }));

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Confined {
  readonly kitchen: RunningContainer;
  run(code: string): Promise<string>;
}

/** Two containers: a kitchen that runs inline, and the confined program. */
async function confined(granted: readonly string[], threads = 0): Promise<Confined> {
  const direct = new DirectNetwork();
  const { components, failures } = await loadComponents(join(root, "examples/03-modes/components"), env);
  assert.deepEqual(failures, []);
  const kitchen = await runContainer({
    ...{ env, id: "kitchen", transports: [direct.transport()], listen: ["direct://kitchen"] },
    components: components.map((loaded) => loaded.component),
  });
  ends.push(() => kitchen.drain(0));
  const settings = {
    program: CELL_PROGRAM,
    readable: [...OWN, home],
    granted: [],
    heapMiB: 128,
    say: () => {},
    flags: threads > 0 ? ["--allow-worker"] : [],
  };
  const cell = new Cell({
    ...{
      clock: env.clock,
      load: { folders: [join(home, "components")], threads },
      limit: "loop",
      answer: brokerOf(granted),
    },
    start: async () => startConfined(settings),
  });
  ends.push(() => cell.close());
  const program = () => ({ name: "runner", granted, store: join(home, "store") });
  const facts = component(Functions, {
    describe: () => ({ machine: "m1", node: "n1", program: "runner" }),
    variable: ({ name }) => ({ value: `the ${name}` }),
  });
  const container = await runContainer({
    ...{ env, id: "program", transports: [direct.transport()], listen: ["direct://program"] },
    ...{ components: (await componentsOf(cell)).components, find: ["direct://kitchen"] },
    control: ({ container: own }) => {
      const timer = programTimerOf({ env, container: own, program });
      ends.push(async () => timer.end());
      return [
        facts,
        programStoreOf({ env, disk: systemDisk(), program, limits: { bytes: 4 * 2 ** 20 } }),
        timer.component,
      ];
    },
  });
  ends.push(() => container.drain(0));
  const client: Client = newClient({ env, transports: [direct.transport()], to: ["direct://program"] });
  return { kitchen, run: async (code) => (await client.of(Greeter).greet({ name: code }, TTL)).text };
}

describe("a program in a confined cell", { skip, timeout: 300_000 }, () => {
  it("calls, requests, sends, streams and broadcasts as one inside a container does", async () => {
    const { run } = await confined(ALL);
    assert.equal(await run("return (await call.call(Kitchen.price, { name: 'soup' })).cents"), "400");
    assert.equal(await run("return (await call.of(Kitchen.price.parent).price({ name: 'pie' })).cents"), "300");
    assert.equal(
      await run(
        "const r = await call.request(Kitchen.price, { name: 'a' }); return [r.value.cents, r.from, r.version]",
      ),
      '[100,["kitchen"],"1.0.0"]',
    );
    assert.equal(
      await run("const a = await call.send(Kitchen.cook, { name: 'stew' }); return (await a.result()).name"),
      '"stew"',
    );
    assert.match(
      await run("const a = await call.send(Kitchen.cook, { name: 'x' }, { wantResult: false }); return a.result()"),
      /^invalid: /,
    );
    assert.equal(
      await run(
        "const n = []; for await (const m of call.stream(Kitchen.courses, { courses: 200 })) n.push(m.name); return [n.length, n[0], n[199]]",
      ),
      '[200,"course 1","course 200"]',
    );
    assert.equal(
      await run("const o = await call.broadcast(Kitchen.close, {}); return o.map((e) => [e.value.kitchen, e.address])"),
      '[["kitchen","direct://kitchen"]]',
    );
    assert.match(await run("return call.call(Kitchen.cook, { name: 'x' })"), /^invalid: .*ASYNC by its contract/);
  });

  it("pulls no more of a stream than it reads, and one that it leaves ends", async () => {
    const { run, kitchen } = await confined(ALL);
    const left =
      "for await (const m of call.stream(Kitchen.courses, { courses: 1e6 }, { credit: 2 })) if (m.number >= 3) break; return 1";
    assert.equal(await run(left), "1");
    const cooked = Number(await run("return (await call.broadcast(Kitchen.close, {}))[0].value.cooked"));
    assert.ok(cooked >= 3 && cooked < 50, `${cooked} courses`);
    assert.equal(kitchen.load.running, 0, "it does not go on");
    const aborted =
      "const a = new AbortController(); const n = []; try { for await (const m of call.stream(Kitchen.courses, { courses: 1e6 }, { signal: a.signal })) { n.push(m); if (n.length === 5) a.abort(); } } catch (e) { return e.code } return 'no end'";
    assert.equal(await run(aborted), '"cancelled"');
  });

  it("keeps objects in versions, of its own program alone, and no more than it may", async () => {
    const { run } = await confined(ALL);
    const put = (key: string, text: string, more = "") =>
      run(`return call.store.put({ key: ${JSON.stringify(key)}, bytes: Buffer.from(${JSON.stringify(text)})${more} })`);
    assert.match(await put("a/b", "one", ", onlyIf: { version: 0n }"), /"stored":true,"version":1/);
    assert.match(await put("a/b", "two", ", onlyIf: { version: 0n }"), /"stored":false,"version":1/);
    assert.match(await put("a/b", "two", ", onlyIf: { version: 1n }"), /"stored":true,"version":2/);
    assert.match(await run("return (await call.store.get({ key: 'a/b' })).bytes"), /two/);
    assert.match(await run("return (await call.store.get({ key: 'a/b', version: 1n })).bytes"), /one/);
    assert.equal(await run("return (await call.store.keys({ prefix: 'a/' })).keys"), '["a/b"]');
    assert.match(await run("return call.store.remove({ key: 'a/b' })"), /"stored":true,"version":3/);
    assert.match(await run("return call.store.get({ key: 'a/b' })"), /^not-found: no object 'a\/b': it was removed/);
    assert.match(await put("../../outside", "x"), /^invalid: /);
    assert.match(await put("..", "x"), /^invalid: /);
    const full = await run(
      "const b = Buffer.alloc(900_000); for (let i = 0; i < 9; i++) await call.store.put({ key: 'k' + i, bytes: b }); return 'all of it'",
    );
    assert.match(full, /^overloaded: the program keeps \d+ bytes in \d+ versions/);
    rmSync(join(home, "store"), { recursive: true });
  });

  it("watches objects: what it and others of its program write, the newest of each, until it has enough", async () => {
    const { run } = await confined(ALL);
    const watched = (
      count: number,
      then = "",
    ) => `const seen = []; const news = call.store.watch({ prefix: "w/" }, { ttlMs: 60_000, credit: 1 });
      const first = news.next(); const put = (key, text) => call.store.put({ key, bytes: Buffer.from(text) });
      await put("v/other", "x"); let begun = false; first.then(() => { begun = true; });
      for (let i = 0; !begun; i++) { await put("w/a", String(i)); await new Promise((soon) => setTimeout(soon, 5)); }
      ${then}
      seen.push((await first).value); while (seen.length < ${count}) seen.push((await news.next()).value);
      await news.return(); return seen.map(({ key, version }) => [key, Number(version)]);`;
    const [first, ...rest] = JSON.parse(await run(watched(2, 'await put("w/b", "1");')));
    assert.equal(first[0], "w/a");
    assert.ok(rest.every(([key]: [string]) => key === "w/a" || key === "w/b"));
    // From elsewhere: another process that shares the folder, found by the store's own look.
    const elsewhere = fileStore({ folder: join(home, "store"), disk: systemDisk(), clock: env.clock, log: env.log });
    const told = run(
      `for await (const { key, version } of call.store.watch({ prefix: "else/" }, { ttlMs: 60_000 })) return [key, Number(version)];`,
    );
    for (let over = false; !over; ) {
      await elsewhere.put("else/x", Buffer.from("y"));
      over = await Promise.race([told.then(() => true), new Promise<false>((soon) => setTimeout(soon, 50, false))]);
    }
    const [key, version] = JSON.parse(await told);
    assert.ok(key === "else/x" && version >= 1);
    rmSync(join(home, "store"), { recursive: true });
  });

  it("has as many watches as it may, each gone with its end, and none that it was not granted", async () => {
    const { run } = await confined(["store=mine/*"]);
    assert.match(
      await run("return call.store.watch({ prefix: 'yours/' }).next()"),
      /^denied: the object 'yours\/' needs the capability 'store'/,
    );
    const open = (count: number) =>
      `const all = kept.get("all") ?? []; kept.set("all", all);
       for (let i = 0; i < ${count}; i++) { const a = new AbortController(); const news = call.store.watch({ prefix: "mine/" }, { ttlMs: 600_000, signal: a.signal });
         const next = news.next(); next.catch(() => {}); all.push({ a, next }); }`;
    const full = await run(
      `${open(100)} await new Promise((soon) => setTimeout(soon, 0)); return call.store.watch({ prefix: "mine/" }).next()`,
    );
    assert.match(full, /^overloaded: 100 watches are open in this container/);
    // Those of that call ended with it; others may have their place as soon as that is known, long before its time to live.
    const until = performance.now() + 30_000;
    for (;;) {
      const again = await run(
        `${open(1)} const { a, next } = all.at(-1); const late = setTimeout(() => a.abort(), 200); return next.then(() => "told", (e) => { clearTimeout(late); return e.code })`,
      );
      if (again === '"cancelled"') break;
      assert.equal(again, '"overloaded"');
      assert.ok(performance.now() < until, "the places of those that ended are free");
    }
    rmSync(join(home, "store"), { recursive: true, force: true });
  });

  it("has its own methods called later, again and again, and no more when it says so", async () => {
    const { run } = await confined(ALL);
    const count = "kept.set('n', (kept.get('n') ?? 0) + 1); return 1";
    const set = (verb: string, ms: number) =>
      run(`return call.timer.${verb}(${ms}, Greeter.greet, { name: ${JSON.stringify(count)} })`);
    const counted = async (atLeast: number) => {
      const until = performance.now() + 60_000;
      for (;;) {
        const n = Number(await run("return kept.get('n') ?? 0"));
        if (n >= atLeast) return n;
        assert.ok(performance.now() < until, `${n} calls`);
      }
    };
    await set("after", 1);
    await counted(1);
    const timer = await set("every", 100);
    await counted(4);
    assert.equal(await run(`return call.timer.cancel(${timer})`), "true");
    assert.equal(await run(`return call.timer.cancel(${timer})`), "false");
    assert.match(await set("every", 1), /^invalid: .*too often/);
    assert.match(await run("return call.timer.after(9, Kitchen.price, { name: 'x' })"), /^not-found: /);
    assert.match(
      await run(
        `for (let i = 0; i <= ${MOST_TIMERS}; i++) await call.timer.after(1e8, Greeter.greet, {}); return 'all'`,
      ),
      /^overloaded: 1000 timers/,
    );
  });

  it("is told of its machine", async () => {
    const { run } = await confined(ALL);
    assert.match(await run("return call.machine.describe({})"), /"machine":"m1".*"node":"n1"/);
    assert.equal(await run("return (await call.machine.variable({ name: 'region' })).value"), '"the region"');
  });

  it("is refused all of it where nothing is granted, each by the name of what is missing", async () => {
    const { run } = await confined([]);
    const send =
      /^denied: a call to example\.kitchen\.v1\.Kitchen\/\w+ needs the capability 'send=example\.kitchen\.v1\.Kitchen'/;
    for (const code of [
      "call.call(Kitchen.price, {})",
      "call.request(Kitchen.price, {})",
      "call.send(Kitchen.cook, {})",
      "call.broadcast(Kitchen.close, {})",
      "call.stream(Kitchen.courses, { courses: 1 }).next()",
    ])
      assert.match(await run(`return ${code}`), send);
    for (const [capability, code] of [
      ["machine", "call.machine.describe({})"],
      ["machine", "call.machine.variable({ name: 'region' })"],
      ["store", "call.store.put({ key: 'a', bytes: Buffer.from('x') })"],
      ["store", "call.store.get({ key: 'a' })"],
      ["timer", "call.timer.after(1, Greeter.greet, {})"],
    ])
      assert.match(await run(`return ${code}`), new RegExp(`^denied: .* needs the capability '${capability}'`));
  });

  it("computes in threads of its own, as many as it declares, and answers meanwhile", async () => {
    const { run } = await confined(ALL, 2);
    // Counts without a pause until it is told to stop.
    const busy = `const { workerData, parentPort } = require("node:worker_threads"); let n = 0; parentPort.postMessage("begun");
      while (Atomics.load(workerData, 0) === 0) n++; parentPort.postMessage(n)`;
    const begin = `const stop = kept.get("stop") ?? new Int32Array(new SharedArrayBuffer(4)); kept.set("stop", stop);
      const worker = new Worker(${JSON.stringify(busy)}, { eval: true, workerData: stop });
      const said = []; const over = new Promise((done) => worker.on("message", (m) => said.push(m)).on("exit", () => done(said)));
      kept.set("over", [...(kept.get("over") ?? []), over]);
      return new Promise((begun, failed) => worker.once("message", begun).once("error", failed));`;
    assert.equal(await run(begin), '"begun"');
    assert.equal(await run(begin), '"begun"');
    for (let i = 0; i < 10; i++) assert.equal(await run("return 1 + 1"), "2", "the threads block nothing else");
    assert.match(await run(begin), /^overloaded: 2 worker threads run, and its program declares 2/);
    const said = JSON.parse(await run("Atomics.store(kept.get('stop'), 0, 1); return Promise.all(kept.get('over'))"));
    assert.equal(said.length, 2);
    for (const [begun, counted] of said) assert.ok(begun === "begun" && counted > 0, `counted to ${counted}`);
    assert.equal(await run(begin), '"begun"', "those that ended make room");
  });

  it("starts no thread where it declares none", async () => {
    const { run } = await confined(ALL);
    assert.match(await run('return new Worker("", { eval: true })'), /^denied: its program declares no worker threads/);
  });

  it("is held to what a capability is limited to", async () => {
    const { run } = await confined(["store=mine/*", "send=example.kitchen.v1.Other"]);
    assert.match(await run("return call.store.put({ key: 'mine/a', bytes: Buffer.from('x') })"), /"stored":true/);
    assert.match(
      await run("return call.store.put({ key: 'yours/a', bytes: Buffer.from('x') })"),
      /^denied: the object 'yours\/a'/,
    );
    assert.match(await run("return call.store.keys({ prefix: '' })"), /^denied: /);
    assert.match(await run("return call.call(Kitchen.price, {})"), /^denied: /);
    rmSync(join(home, "store"), { recursive: true });
  });
});
