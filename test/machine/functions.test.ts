// Functions of libraries and of WebAssembly modules, each in a real confined child, when they do what they should and when they do not.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { NATIVE_CELL_PROGRAM, WASM_CELL_PROGRAM } from "../../src/cli/process/governor-start.ts";
import type { Call } from "../../src/container/call.ts";
import { Cell, type CellProcess } from "../../src/container/cell/cell.ts";
import { systemClock } from "../../src/system/clock.ts";
import { confinementLayers, startConfined, startPlain } from "../../src/system/confinement.ts";
import { root } from "../cli/unum.ts";

const clock = systemClock();
const unconfined = confinementLayers().find(({ present }) => !present);
const skip = unconfined === undefined ? false : `this system cannot confine: ${unconfined.text}`;
const noCompiler = spawnSync("cc", ["--version"]).error === undefined ? skip : "needs a C compiler";
const noFfi = Number(process.versions.node.split(".")[0]) >= 26 ? noCompiler : "needs Node.js 26";
const OWN = ["src", "node_modules", "package.json"].map((name) => join(root, name));
const TROUBLE = join(root, "test/machine/trouble");
const BUDGET_MS = 1_000;

const folder = mkdtempSync(join(tmpdir(), "unum-functions-"));
cpSync(TROUBLE, folder, { recursive: true });
const compiled = join(folder, "compiled");
before(async () => {
  for (const program of [NATIVE_CELL_PROGRAM, WASM_CELL_PROGRAM]) {
    const child = startPlain({ program, readable: [], granted: [], heapMiB: 64, compiled, say: () => {} });
    child.stream.end();
    await child.ended;
  }
});
const library = join(folder, "trouble.so");
if (noFfi === false) execFileSync("cc", ["-O1", "-shared", "-fPIC", "-w", "-o", library, join(folder, "trouble.c")]);

interface Started {
  readonly cell: Cell;
  /** Children so far. */
  readonly starts: () => number;
  ask(name: string, request?: string): Promise<string>;
}

const cells: Cell[] = [];
afterEach(async () => {
  await Promise.all(cells.splice(0).map((cell) => cell.close()));
});
after(() => rmSync(folder, { recursive: true }));

function cellOf(program: string, flags: readonly string[], load: object, granted: readonly string[] = []): Started {
  let starts = 0;
  const start = async (): Promise<CellProcess> => {
    starts++;
    return startConfined({ program, flags, readable: [...OWN, folder], granted, heapMiB: 64, compiled, say: () => {} });
  };
  const cell = new Cell({ clock, start, load, limit: "call" });
  cells.push(cell);
  const call = callWith(new AbortController().signal);
  const ask = async (name: string, request = "") =>
    Buffer.from(await cell.call({ path: name, body: Buffer.from(request), call, budgetMs: BUDGET_MS })).toString();
  return { cell, starts: () => starts, ask };
}

/** All of a call that a cell is told. */
function callWith(signal: AbortSignal): Call {
  const told = {
    from: ["test"],
    meta: {},
    idempotencyKey: "",
    traceparent: "",
    container: "k",
    msLeft: 60_000,
    signal,
  };
  return told as unknown as Call;
}

const named = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
const NATIVE = named(
  ...[
    "echo",
    "segfault",
    "give_up",
    "leave",
    "endless",
    "recurse",
    "hoard",
    "complain",
    "boast",
    "babble",
    "kill_parent",
  ],
);
const native = () => cellOf(NATIVE_CELL_PROGRAM, ["--allow-ffi"], { file: library, functions: NATIVE });
const wasm = (pages = 64) =>
  cellOf(WASM_CELL_PROGRAM, ["--allow-wasi"], {
    ...{ file: join(folder, "trouble.wasm"), folders: [], pages },
    functions: named("echo", "count", "trap", "outside", "divide", "recurse", "endless", "hoard", "boast"),
  });

const internal = (message: RegExp) => ({ name: "Fault", code: "internal", message });

describe("a function of a library", { skip: noFfi, timeout: 300_000 }, () => {
  it("gets the bytes of its request and answers with those of its reply", async () => {
    const { ask } = native();
    assert.equal(await ask("echo", "hello"), "hello");
    assert.equal(await ask("echo", ""), "");
    const long = "x".repeat(2 ** 20 - 2_000);
    assert.equal(await ask("echo", long), long);
    await assert.rejects(ask("complain"), { name: "FunctionError", message: "no such thing" });
  });

  for (const [name, how] of [
    ["segfault", /its cell ended: SIGSEGV/],
    ["give_up", /its cell ended: SIG(ABRT|SEGV|ILL|TRAP)/],
    ["leave", /its cell ended: exit code 3/],
    ["endless", /endless took longer than its 1000 ms/],
    ["recurse", /its cell ended: SIGSEGV/],
    ["boast", /its cell ended: exit code 70: boast says that it wrote 1047553 bytes/],
    ["babble", /its cell ended: it speaks as none does/],
  ] as const) {
    it(`that does '${name}' ends its cell only; the call gets a Fault, and the next one another cell`, async () => {
      const { ask, starts } = native();
      const neighbour = native();
      assert.equal(await neighbour.ask("echo", "before"), "before");
      await assert.rejects(ask(name), internal(how));
      assert.equal(await ask("echo", "again"), "again");
      assert.equal(starts(), 2);
      assert.equal(await neighbour.ask("echo", "after"), "after");
      assert.equal(neighbour.starts(), 1);
    });
  }

  it("that takes all memory or kills what it can reach harms nobody else", async () => {
    const { ask } = native();
    const neighbour = native();
    assert.equal(await neighbour.ask("echo", "before"), "before");
    await assert.rejects(ask("hoard"));
    await ask("kill_parent").catch(() => {});
    assert.equal(await ask("echo", "again"), "again");
    assert.equal(await neighbour.ask("echo", "after"), "after");
    assert.equal(neighbour.starts(), 1);
  });

  it("segfaults a hundred times in a row: a hundred Faults, a hundred cells, and its neighbour does not notice", async () => {
    const { ask, starts } = native();
    const neighbour = native();
    assert.equal(await neighbour.ask("echo", "0"), "0");
    for (let round = 1; round <= 100; round++) {
      await assert.rejects(ask("segfault"), internal(/SIGSEGV/));
      assert.equal(await neighbour.ask("echo", String(round)), String(round));
    }
    assert.equal(starts(), 100);
    assert.equal(neighbour.starts(), 1);
    assert.equal(await ask("echo", "well"), "well");
  });

  it("that is not there, or whose library is none, is said when it is loaded", async () => {
    const missing = cellOf(NATIVE_CELL_PROGRAM, ["--allow-ffi"], { file: library, functions: named("nothing") });
    assert.match(String((await missing.cell.loaded()).head["failures"]), /undefined symbol: nothing/);
    writeFileSync(join(folder, "none.so"), "no library");
    const none = cellOf(NATIVE_CELL_PROGRAM, ["--allow-ffi"], { file: join(folder, "none.so"), functions: NATIVE });
    assert.match(String((await none.cell.loaded()).head["failures"]), /invalid ELF header|file too short/);
  });
});

describe("a function of a WebAssembly module", { skip, timeout: 300_000 }, () => {
  it("gets the bytes of its request and answers with those of its reply", async () => {
    const { ask } = wasm();
    assert.equal(await ask("echo", "hello"), "hello");
    const long = "x".repeat(2 ** 20 - 2_000);
    assert.equal(await ask("echo", long), long);
  });

  it("that traps gives a Fault; the module begins anew and the cell stays", async () => {
    const { ask, starts } = wasm();
    assert.equal(await ask("count"), "\u0001");
    assert.equal(await ask("count"), "\u0002");
    for (const name of ["trap", "outside", "divide", "recurse"]) {
      await assert.rejects(ask(name), internal(new RegExp(`${name} trapped: `)));
      assert.equal(await ask("count"), "\u0001", "nothing of what it was in the middle of is left");
    }
    await assert.rejects(ask("boast"), internal(/boast says that it wrote/));
    assert.equal(starts(), 1);
  });

  it("that does not end is ended with its cell, and the next call gets another", async () => {
    const { ask, starts } = wasm();
    await assert.rejects(ask("endless"), internal(/endless took longer than its 1000 ms/));
    assert.equal(await ask("echo", "again"), "again");
    assert.equal(starts(), 2);
  });

  it("gets no more memory than its part says", async () => {
    assert.equal((await wasm(64).ask("hoard")).charCodeAt(0), 64);
    const small = wasm(8);
    await assert.rejects(small.ask("echo", "x"), internal(/no room for a call/));
  });

  it("reads by WASI what was granted, and nothing else", async () => {
    const pictures = mkdtempSync(join(tmpdir(), "unum-pictures-"));
    writeFileSync(join(pictures, "one.txt"), "a picture");
    writeFileSync(`${pictures}-secret`, "a secret");
    const load = { file: join(folder, "reads.wasm"), functions: named("read"), folders: [pictures], pages: 64 };
    const { ask } = cellOf(WASM_CELL_PROGRAM, ["--allow-wasi"], load, [`fs:read=${pictures}`]);
    assert.equal(await ask("read", "one.txt"), "a picture");
    for (const path of [`../${pictures.split("/").at(-1)}-secret`, "/etc/passwd", "nothing"])
      await assert.rejects(ask("read", path), { name: "FunctionError" });
    rmSync(pictures, { recursive: true });
    rmSync(`${pictures}-secret`);
  });
});
