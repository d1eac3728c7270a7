// Candidates evaluated by a WebAssembly module: it exports `memory`, `alloc(bytes) -> address` and
// `evaluate(address, dimensions) -> f64`, or for several objectives `evaluate(address, dimensions, out)`. It gets no imports.

import { readFile } from "node:fs/promises";
import { asError, Fault } from "../../../base/fault.ts";
import { type Evaluator, settle } from "../../../islands/evaluator.ts";
import type { Shape } from "../problem-spec.ts";

export async function wasmEvaluator(settings: { readonly path: string; readonly shape: Shape }): Promise<Evaluator> {
  const { dimensions, objectives = 1 } = settings.shape;
  const space = { objectives } as Parameters<typeof settle>[4];
  const { memory, alloc, evaluate } = await exportsOf(settings.path);
  const input = alloc(dimensions * 8);
  const output = alloc(objectives * 8);
  const one = (row: Float64Array): unknown => {
    // A module that grows its memory has another buffer afterwards.
    new Float64Array(memory.buffer, input, dimensions).set(row);
    const value = evaluate(input, dimensions, output);
    return objectives === 1 ? value : new Float64Array(memory.buffer, output, objectives).slice();
  };
  return {
    evaluate: (rows, values, watch) => {
      for (let k = 0; k < rows.length; k++) {
        const row = rows[k] as Float64Array;
        watch.began(k);
        let answer: unknown = watch.barred(k);
        try {
          if (answer === undefined) answer = one(row);
        } catch (thrown) {
          answer = asError(thrown);
        }
        settle(row, answer, k, values, space, watch);
      }
    },
    close: async () => {},
  };
}

/** What is used of the global; Node's own types leave it to those of browsers. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: { readonly exports: Exports } }>;
  readonly Memory: abstract new () => Memory;
};
interface Memory {
  readonly buffer: ArrayBuffer;
}
type Exports = Readonly<Record<string, unknown>>;

async function exportsOf(path: string): Promise<{
  readonly memory: Memory;
  readonly alloc: (bytes: number) => number;
  readonly evaluate: (address: number, dimensions: number, out: number) => number;
}> {
  const bytes = await readFile(path).catch((thrown: unknown) => {
    throw new Fault("invalid", `${path} cannot be read: ${asError(thrown).message}`);
  });
  let exported: Exports;
  try {
    exported = (await WebAssembly.instantiate(bytes, {})).instance.exports;
  } catch (thrown) {
    throw new Fault("invalid", `${path} is no WebAssembly module without imports: ${asError(thrown).message}`);
  }
  const { memory, alloc, evaluate } = exported;
  if (!(memory instanceof WebAssembly.Memory) || typeof alloc !== "function" || typeof evaluate !== "function") {
    const there = Object.keys(exported).join(", ") || "nothing";
    throw new Fault("invalid", `${path} exports ${there}; it must export memory, alloc and evaluate`);
  }
  // A module's functions say nothing of their types; what they answer is checked as any answer.
  return { memory, alloc, evaluate } as Awaited<ReturnType<typeof exportsOf>>;
}
