// What one program may use of memory and processors: said by an operator, seen in what the commands show, and held by real processes
// that want more; who is beside them does not notice.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { confinementLayers } from "../../src/system/confinement.ts";
import { endNodes, ok, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, root, scratch, unum } from "../cli/unum.ts";
import { alone } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";
import { load } from "./steady-load.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;
const CONFINED = { trust: "confined", capabilities: ["log"] } as const;
const MIB = 2 ** 20;

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

/** Of the width: 1 holds so many MiB outside of the heap, 2 inside of it, 3 uses so many ms of processor time; else nothing. */
const hungry = (code: string) =>
  `import { setTimeout as pause } from "node:timers/promises";
const held: unknown[] = [];
const spentMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1_000; };
${code}`
    .replace("budgetMs: 30_000", "budgetMs: 5_000")
    .replace(
      "plan: (",
      `plan: async ({ width, height }) => {
        const [began, spent] = [performance.now(), spentMs()];
        for (let i = 0; width === 1 && i < height; i++) {
          held.push(Buffer.alloc(2 ** 20, 1));
          if (i % 16 === 0) await pause(20);
        }
        for (let i = 0; width === 2 && i < height; i++) {
          held.push(Array.from({ length: 2 ** 17 }, (_, j) => i + j + 0.5));
          if (i % 16 === 0) await pause(20);
        }
        while (width === 3 && spentMs() - spent < height);
        const tookMs = Math.round(performance.now() - began);
        return { width: tookMs, height: Math.round(spentMs() - spent), version: "done" };
      }, //(`,
    );

const want = (home: string, what: number, much: number) =>
  unum(
    [
      "call",
      "thumbnails.v1.Shrink/Plan",
      JSON.stringify({ width: what, height: much }),
      "--within",
      "20s",
      "--ttl",
      "90s",
    ],
    { home },
  );

/** Another program, in a container of its own. */
async function neighbour(home: string): Promise<() => Promise<void>> {
  const folder = join(await scratch(), "neighbour");
  const greeter = "components/greeter";
  await cp(join(root, "examples/01-one-process", greeter), join(folder, greeter), { recursive: true });
  const description = { name: "neighbour", version: "1.0.0", parts: [{ kind: "component", folder: "components" }] };
  await writeFile(join(folder, "program.json"), JSON.stringify(description));
  const { path } = JSON.parse(ok(await unum(["pack", folder, "--out", await scratch(), "--json"], { home })));
  ok(await unum(["load", path], { home }));
  ok(await unum(["start", "neighbour"], { home }));
  const greet = () => unum(["call", "example.v1.Greeter/Greet", '{"name":"Ada"}', "--within", "20s"], { home });
  ok(await greet());
  const { pid } = (await containersOf(home, "neighbour"))[0] ?? assert.fail("it has a container");
  return async () => {
    assert.match(ok(await greet()), /Ada/);
    assert.deepEqual(
      (await containersOf(home, "neighbour")).map((each) => each.pid),
      [pid],
      "it is the same",
    );
  };
}

interface Shown {
  readonly id: string;
  readonly pid: number;
  readonly state: string;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly cpuLimitPermille: number;
}

async function containersOf(home: string, name: string): Promise<readonly Shown[]> {
  return (await statusOf(home)).containers.filter(
    ({ program, state }: { program: string; state: string }) => program === name && state !== "draining",
  );
}

async function loaded(home: string, change: Parameters<typeof packed>[1]): Promise<void> {
  ok(await unum(["load", await packed(home, change)], { home }));
}

/** Functions of the example's contracts, under which something else lies. */
const functions = (named: string) => [
  { kind: "component", folder: "components" },
  {
    ...{
      kind: "native",
      platform: "linux-x64",
      library: "native/linux-x64/resample.so",
      timeMs: named === "endless" ? 1_000 : 20_000,
    },
    ...{ contract: "thumbnails.v1.Resample", functions: { Shrink: named } },
  },
  {
    ...{ kind: "wasm", module: "wasm/accent.wasm", memoryPages: 65_536, timeMs: named === "endless" ? 1_000 : 20_000 },
    ...{ contract: "thumbnails.v1.Accent", functions: { Of: named } },
  },
];
const FUNCTIONS = ["thumbnails.v1.Resample/Shrink", "thumbnails.v1.Accent/Of"] as const;
const noCompiler = spawnSync("cc", ["--version"]).error === undefined ? skip : "needs a C compiler";
const noFfi = Number(process.versions.node.split(".")[0]) >= 26 ? noCompiler : "needs Node.js 26";

async function loadedFunctions(home: string, named: string): Promise<void> {
  const [trouble, library] = [join(root, "test/machine/trouble"), join(await scratch(), "trouble.so")];
  execFileSync("cc", ["-O1", "-shared", "-fPIC", "-w", "-o", library, join(trouble, "trouble.c")]);
  const files = { "native/linux-x64/resample.so": library, "wasm/accent.wasm": join(trouble, "trouble.wasm") };
  await loaded(home, { version: "1.2.0", code: hungry, files, description: { ...CONFINED, parts: functions(named) } });
}

const ask = (home: string, method: string) => unum(["call", method, "{}", "--within", "20s", "--ttl", "90s"], { home });

describe("what a program may use in functions of a library and of a WebAssembly module", {
  skip: noFfi,
  ...LIMIT,
}, () => {
  it("of memory ends the cell that wants more, by name, and neither its container nor a neighbour", async () => {
    const home = await alone();
    const isWell = await neighbour(home);
    await loadedFunctions(home, "devour");
    ok(await unum(["start", "thumbnails", "--memory", "512MiB"], { home }));
    const [first] = await containersOf(home, "thumbnails");
    for (const method of [...FUNCTIONS, ...FUNCTIONS]) {
      const { code, stderr } = await ask(home, method);
      assert.equal(code, 1, `${method}: ${stderr}`);
      assert.match(
        stderr,
        /its cell ended: its container used \d+ MiB, \d+ of them in this cell; its program may use 512 MiB/,
      );
      assert.match(ok(await want(home, 0, 0)), /done/);
      await isWell();
    }
    assert.deepEqual(
      (await containersOf(home, "thumbnails")).map(({ pid }) => pid),
      [first?.pid],
      "its container has gone on",
    );
  });

  it("of processors pauses its cells, whose time stands still meanwhile", async () => {
    const home = await alone();
    await loadedFunctions(home, "endless");
    ok(await unum(["start", "thumbnails", "--processors", "0.1"], { home }));
    for (const method of FUNCTIONS) {
      const began = performance.now();
      const { code, stderr } = await ask(home, method);
      assert.equal(code, 1, `${method}: ${stderr}`);
      assert.match(stderr, /took longer than its 1000 ms/);
      // Its second is of time in which it is not paused: nine tenths it is, less what had been saved, and what a busy computer left it unused.
      const tookMs = performance.now() - began;
      assert.ok(tookMs > 3_000, `${method} took ${tookMs} ms`);
    }
  });
});

describe("what a program may use", { skip, ...LIMIT }, () => {
  it("of memory ends the cell that wants more, by name, and neither its container nor a neighbour", async () => {
    const home = await alone();
    const isWell = await neighbour(home);
    await loaded(home, { version: "1.2.0", code: hungry, description: CONFINED });
    ok(await unum(["start", "thumbnails", "--memory", "256MiB"], { home }));
    assert.match(ok(await unum(["describe", "thumbnails"], { home })), /limits {3}256 MiB in each container/);
    const [first] = await containersOf(home, "thumbnails");
    assert.equal(first?.memoryLimitBytes, 256 * MIB);
    assert.match(ok(await unum(["ps"], { home })), /thumbnails .* of 256 MiB/);
    assert.match(ok(await want(home, 1, 64)), /done/);
    for (const kind of [1, 2]) {
      const { code, stderr } = await want(home, kind, 2_000);
      assert.equal(code, 1, `${kind}: ${stderr}`);
      assert.match(stderr, /its cell ended: .*its program may use 256 MiB in a container, and 'unum start --memory'/);
      assert.match(ok(await want(home, 0, 0)), /done/);
      await isWell();
    }
    assert.deepEqual(
      (await containersOf(home, "thumbnails")).map(({ pid }) => pid),
      [first.pid],
      "its container has gone on",
    );
    // Who may use more gets it: nothing else holds a heap to less.
    ok(await unum(["start", "thumbnails", "--memory", "1GiB"], { home }));
    assert.match(ok(await want(home, 2, 400)), /done/);
  });

  it("of processors pauses its cells, whose time stands still meanwhile, and no neighbour", async () => {
    const home = await alone();
    const isWell = await neighbour(home);
    await loaded(home, { version: "1.2.0", code: hungry, description: CONFINED });
    ok(await unum(["start", "thumbnails", "--processors", "0.1"], { home }));
    assert.match(ok(await unum(["describe", "thumbnails"], { home })), /limits {3}0\.1 processors in each container/);
    assert.equal((await containersOf(home, "thumbnails"))[0]?.cpuLimitPermille, 100);
    // What it may use beyond its mean is used up.
    ok(await want(home, 3, 1_000));
    const slow = want(home, 3, 1_500);
    await isWell();
    // 1.5 s of a tenth of a processor: three times as long as its budget, and it is not held against it.
    const { width: tookMs, height: usedMs } = JSON.parse(ok(await slow));
    assert.ok(usedMs >= 1_500 && usedMs < 2_500, `${usedMs} ms used`);
    assert.ok(tookMs >= (usedMs - 400) / 0.1, `${usedMs} ms used in ${tookMs}`);
    const [own] = await containersOf(home, "thumbnails");
    assert.equal(own?.state, "serving", "it answers its governor");
    ok(await unum(["stop", "thumbnails"], { home }));
    await until("nothing is left of it, paused or not", () => !runs(own.pid));
  });

  it("is changed while it runs, without a failed call, and taken back", async () => {
    const home = await alone();
    // What processes share counts less the more there are: this is its own.
    const large = (code: string) => `${hungry(code)}\nheld.push(Buffer.alloc(96 * 2 ** 20, 1));`;
    await loaded(home, { version: "1.2.0", code: large, description: CONFINED });
    ok(await unum(["start", "thumbnails"], { home }));
    const calls = await load(home);
    const [before] = await containersOf(home, "thumbnails");
    ok(await unum(["start", "thumbnails", "--memory", "300MiB", "--processors", "1.5"], { home }));
    const limited = await containersOf(home, "thumbnails");
    assert.deepEqual(
      limited.map(({ memoryLimitBytes, cpuLimitPermille }) => [memoryLimitBytes, cpuLimitPermille]),
      [[300 * MIB, 1_500]],
    );
    assert.notEqual(limited[0]?.pid, before?.pid);
    const tooLittle = await unum(["start", "thumbnails", "--memory", "64MiB"], { home });
    assert.equal(tooLittle.code, 1);
    assert.match(
      tooLittle.stderr,
      /does not run like that on node .*its program may use 64 MiB.*goes on there with what/s,
    );
    assert.match(ok(await unum(["describe", "thumbnails"], { home })), /not yet by what is granted and allowed now/);
    assert.equal((await containersOf(home, "thumbnails"))[0]?.pid, limited[0]?.pid);
    ok(await unum(["start", "thumbnails", "--memory", "none", "--processors", "none"], { home }));
    assert.deepEqual(
      (await containersOf(home, "thumbnails")).map(({ memoryLimitBytes, cpuLimitPermille }) => [
        memoryLimitBytes,
        cpuLimitPermille,
      ]),
      [[0, 0]],
    );
    const { failures, calls: made } = await calls.stop();
    assert.deepEqual(failures, []);
    assert.ok(made > 0);
  });

  it("makes sense, or is refused and nothing has changed", async () => {
    const home = await alone();
    await loaded(home, { version: "1.2.0", code: hungry });
    ok(await unum(["start", "thumbnails"], { home }));
    for (const [args, says] of [
      [["--memory", "1MiB"], /memory 1048576 is not .* from 67108864/],
      [["--memory", "256"], /not an amount of memory/],
      [["--memory", "0MB"], /would let nothing run/],
      [["--processors", "0"], /not a number of processors/],
      [["--processors", "-1"], /not a number of processors/],
      [["--processors", "0.05"], /processors 0\.05 is not from 0\.1 to 1024/],
      [["--processors", "0.5"], /it is trusted and runs in its containers themselves.*leave --processors out/],
    ] as const) {
      const { code, stderr } = await unum(["start", "thumbnails", ...args], { home });
      assert.equal(code, 2, `${args}: ${stderr}`);
      assert.match(stderr, says);
    }
    assert.doesNotMatch(ok(await unum(["describe", "thumbnails"], { home })), /limits/);
  });

  it("of memory has the container of a trusted one drained and replaced, which says so", async () => {
    const home = await alone();
    const isWell = await neighbour(home);
    await loaded(home, { version: "1.2.0", code: hungry });
    ok(await unum(["start", "thumbnails", "--memory", "256MiB"], { home }));
    const [first] = await containersOf(home, "thumbnails");
    assert.match(ok(await want(home, 1, 300)), /done/, "the call that it works on ends");
    await until("it is replaced", async () => {
      const [own] = await containersOf(home, "thumbnails");
      return own !== undefined && own.pid !== first?.pid && own.state === "serving";
    });
    assert.match(
      ok(await unum(["logs", "governor"], { home })),
      new RegExp(`container ${first?.id} is drained: uses \\d+ MiB, the limit of its program is 256`),
    );
    assert.match(ok(await want(home, 0, 0)), /done/);
    await isWell();
  });
});
