// With a cache a search finds what it finds without, and asks for less.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cachedEvaluator } from "./cached-evaluator.ts";
import { type Evaluator, noWatch } from "./evaluator.ts";
import { oneMax } from "./functions/theory.ts";
import { problem } from "./problem.ts";
import { search } from "./search.ts";

const SPACE = problem({ dimensions: 1, lower: 0, upper: 9, evaluate: () => 0 }).space;

function counting(): Evaluator & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    evaluate: (rows, values, watch) => {
      for (const [k, row] of rows.entries()) {
        watch.began(k);
        const gene = row[0] ?? 0;
        asked.push(gene);
        values[k] = gene === 7 ? Number.MAX_VALUE : gene * 10;
      }
    },
    close: async () => {},
  };
}

const rowsOf = (genes: readonly number[]) => genes.map((gene) => Float64Array.of(gene));

describe("a cache of evaluations", () => {
  it("asks once for each candidate, also within a batch, and again for what could not be evaluated", async () => {
    const inner = counting();
    const cached = cachedEvaluator(inner, SPACE, 10);
    const values = new Float64Array(5);
    await cached.evaluate(rowsOf([1, 2, 1, 7, 2]), values, noWatch());
    assert.deepEqual([...values], [10, 20, 10, Number.MAX_VALUE, 20]);
    await cached.evaluate(rowsOf([7, 2, 3]), values, noWatch());
    assert.deepEqual([...values.subarray(0, 3)], [Number.MAX_VALUE, 20, 30]);
    assert.deepEqual(inner.asked, [1, 2, 7, 7, 3]);
    assert.deepEqual(cached.figures, { kept: 3, remembered: 3, evaluated: 5 });
  });

  it("forgets what was not asked for the longest, and answers a batch larger than itself", async () => {
    const inner = counting();
    const cached = cachedEvaluator(inner, SPACE, 2);
    const values = new Float64Array(4);
    for (const genes of [[1, 2], [1], [3], [1], [2], [4, 5, 6, 8]])
      await cached.evaluate(rowsOf(genes), values, noWatch());
    assert.deepEqual(inner.asked, [1, 2, 3, 2, 4, 5, 6, 8]);
    assert.deepEqual([...values], [40, 50, 60, 80]);
  });

  it("tells of candidates by their place in the whole batch, so that the right one is barred", async () => {
    const cached = cachedEvaluator(counting(), SPACE, 10);
    const values = new Float64Array(3);
    await cached.evaluate(rowsOf([1]), values, noWatch());
    const began: number[] = [];
    await cached.evaluate(rowsOf([1, 5, 6]), values, { ...noWatch(), began: (index) => began.push(index) });
    assert.deepEqual(began, [1, 2]);
  });

  it("changes nothing of what a search finds", async () => {
    let calls = 0;
    const settings = {
      dimensions: 12,
      genome: "bits",
      evaluate: (x: Float64Array) => {
        calls++;
        return oneMax(x);
      },
    } as const;
    const options = { seed: 4, islands: 2, evaluations: 1_500, engines: ["ga"] };
    const plain = await search(problem(settings), options);
    const plainCalls = calls;
    calls = 0;
    const cached = await search(problem({ ...settings, cache: 5_000 }), options);
    assert.deepEqual(cached, plain);
    assert.equal(plainCalls, plain.evaluations);
    assert.ok(calls < plainCalls / 2, `${calls} of ${plainCalls}`);
  });

  it("is refused where the same candidate may have another value, or where it has no size", () => {
    const settings = { dimensions: 2, lower: 0, upper: 1, evaluate: () => 0 };
    assert.throws(() => problem({ ...settings, noisy: true, cache: 10 }), { code: "invalid", message: /noisy.*cache/ });
    assert.throws(() => problem({ ...settings, cache: 0 }), { code: "invalid", message: /cache is 0/ });
  });
});
