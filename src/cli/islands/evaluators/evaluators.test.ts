// Candidates evaluated elsewhere: by programs, a server, a WebAssembly module; and what they may do wrong.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { NOT_EVALUATED } from "../../../islands/engines/engine.ts";
import { type Evaluator, noWatch, type Quarantined } from "../../../islands/evaluator.ts";
import { execEvaluator } from "./exec.ts";
import { httpEvaluator } from "./http.ts";
import { wasmEvaluator } from "./wasm.ts";

const folder = await mkdtemp(join(tmpdir(), "unum-evaluators-"));
after(() => rm(folder, { recursive: true, force: true }));

const shape = { dimensions: 2 };
const rows = [Float64Array.of(1, 2), Float64Array.of(3, 4), Float64Array.of(-5, 6)];

async function evaluated(evaluator: Evaluator): Promise<{ values: number[]; quarantined: Quarantined[] }> {
  const values = new Float64Array(rows.length);
  const quarantined: Quarantined[] = [];
  const watch = {
    quarantine: (each: Quarantined) => void quarantined.push(each),
    recovered: () => {},
    breeds: () => {},
    asked: () => {},
    began: () => {},
    barred: () => undefined,
  };
  await evaluator.evaluate(rows, values, watch);
  // A second batch shows that it goes on after whatever the first one met.
  await evaluator.evaluate(rows.slice(0, 1), values, watch);
  await evaluator.close();
  return { values: [...values], quarantined };
}

const LINES = `import { createInterface } from "node:readline";
for await (const line of createInterface(process.stdin)) {
  const { x } = JSON.parse(line);
  if (x[0] < 0) BAD
  console.log(x[0] + x[1]);
}
`;

const BINARY = `let bytes = Buffer.alloc(0);
process.stdin.on("data", (more) => {
  bytes = Buffer.concat([bytes, more]);
  while (bytes.length >= 8) {
    const [count, n] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
    if (bytes.length < 8 + count * n * 8) return;
    const out = Buffer.alloc(count * 8);
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += bytes.readDoubleLE(8 + (k * n + i) * 8);
      out.writeDoubleLE(sum, k * 8);
    }
    bytes = bytes.subarray(8 + count * n * 8);
    process.stdout.write(out);
  }
});
`;

let programs = 0;

async function program(text: string): Promise<readonly string[]> {
  const path = join(folder, `p${programs++}.mjs`);
  await writeFile(path, text);
  return [process.execPath, path];
}

describe("evaluators", { timeout: 300_000 }, () => {
  it("ask a program over a binary pipe", async () => {
    const found = await evaluated(
      execEvaluator({ command: await program(BINARY), lines: false, shape, evaluationMs: 20_000 }),
    );
    assert.deepEqual(found, { values: [3, 7, 1], quarantined: [] });
  });

  it("ask a program for batches of several islands, each for its own", async () => {
    const command = await program(BINARY);
    const evaluator = execEvaluator({ command, lines: false, shape, evaluationMs: 20_000 });
    const sums = await Promise.all(
      [1, 10, 100].map(async (base) => {
        const values = new Float64Array(2);
        const two = [Float64Array.of(base, 1), Float64Array.of(base, 2)];
        await evaluator.evaluate(two, values, noWatch());
        return [...values];
      }),
    );
    await evaluator.close();
    assert.deepEqual(sums, [
      [2, 3],
      [11, 12],
      [101, 102],
    ]);
  });

  for (const [what, bad, reason, evaluationMs] of [
    ["ends", "process.exit(7);", /ended with exit code 7/, 20_000],
    ["writes what is no number", 'console.log("far"), process.exit();', /ended with|no JSON/, 20_000],
    ["gives a text", "{ console.log('\"far\"'); continue; }", /far/, 20_000],
    ["hangs", "await new Promise(() => setInterval(() => {}, 1e6));", /did not answer within/, 1_500],
  ] as const) {
    it(`quarantine the one candidate at which a program ${what}`, async () => {
      const command = await program(LINES.replace("BAD", bad));
      const { values, quarantined } = await evaluated(execEvaluator({ command, lines: true, shape, evaluationMs }));
      assert.deepEqual(values, [3, 7, NOT_EVALUATED]);
      assert.deepEqual(
        quarantined.map(({ genes }) => genes),
        [[-5, 6]],
      );
      assert.match(quarantined[0]?.reason ?? "", reason);
    });
  }

  it("end where a program cannot be run at all", async () => {
    const evaluator = execEvaluator({ command: ["/nowhere/fitness"], lines: true, shape, evaluationMs: 1_000 });
    await assert.rejects(evaluated(evaluator), { code: "invalid", message: /'\/nowhere\/fitness' cannot be started/ });
  });

  it("ask a server in batches, and for each alone where the batch fails", async () => {
    const sizes: number[] = [];
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (more) => {
        text += more;
      });
      request.on("end", () => {
        const { candidates }: { candidates: [number, number][] } = JSON.parse(text);
        sizes.push(candidates.length);
        if (candidates.some(([a]) => a < 0)) response.writeHead(500).end();
        else response.end(JSON.stringify({ values: candidates.map(([a, b]) => a + b) }));
      });
    }).listen(0, "127.0.0.1");
    await new Promise((listening) => server.once("listening", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { values, quarantined } = await evaluated(httpEvaluator({ url, shape, evaluationMs: 20_000 }));
    server.close();
    server.closeAllConnections();
    assert.deepEqual(values, [3, 7, NOT_EVALUATED]);
    assert.match(quarantined[0]?.reason ?? "", /answered 500/);
    assert.deepEqual(sizes.slice(0, 2), [3, 3]);
  });

  it("run a WebAssembly module, and refuse one that is none", async () => {
    const path = join(folder, "sum.wasm");
    await writeFile(path, SUM);
    assert.deepEqual(await evaluated(await wasmEvaluator({ path, shape })), { values: [3, 7, 1], quarantined: [] });
    await writeFile(path, "nothing");
    await assert.rejects(wasmEvaluator({ path, shape }), { code: "invalid", message: /no WebAssembly module/ });
  });
});

/** evaluate(address, n) = the first gene and the second; alloc answers 1024; one page of memory. */
const SUM = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  // types: (i32) -> i32, (i32 i32 i32) -> f64
  ...[1, 13, 2, 96, 1, 127, 1, 127, 96, 3, 127, 127, 127, 1, 124],
  ...[3, 3, 2, 0, 1],
  ...[5, 3, 1, 0, 1],
  // exports: memory, alloc, evaluate
  ...[
    7, 29, 3, 6, 109, 101, 109, 111, 114, 121, 2, 0, 5, 97, 108, 108, 111, 99, 0, 0, 8, 101, 118, 97, 108, 117, 97, 116,
    101, 0, 1,
  ],
  ...[10, 21, 2, 5, 0, 65, 128, 8, 11, 13, 0, 32, 0, 43, 3, 0, 32, 0, 43, 3, 8, 160, 11],
]);
