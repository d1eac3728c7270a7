// Noisy problems are searched by engines that believe no value for long, on means of samples.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noWatch } from "./evaluator.ts";
import { problem } from "./problem.ts";
import { RandomStream } from "./random-stream.ts";
import { planOf, search } from "./search.ts";

const SETTINGS = { dimensions: 4, lower: -5, upper: 5, noisy: true } as const;
const sphere = (x: Float64Array) => x.reduce((sum, each) => sum + each * each, 0);

describe("a noisy problem", () => {
  it("has the mean of its samples, and none where one of them failed", async () => {
    const answers = [1, 2, 6, 4, 4, 4, 1, Number.NaN, 1];
    const { evaluator } = problem({ ...SETTINGS, samples: 3, evaluate: () => answers.shift() ?? 0 });
    const values = new Float64Array(3);
    const reasons: string[] = [];
    const rows = [0, 1, 2].map((gene) => new Float64Array(4).fill(gene));
    await evaluator.evaluate(rows, values, { ...noWatch(), quarantine: ({ reason }) => reasons.push(reason) });
    assert.deepEqual([...values], [3, 4, Number.MAX_VALUE]);
    assert.deepEqual(reasons, ["gave NaN"]);
  });

  it("is given to engines that keep no value, and found nearer with more samples", async () => {
    const found = async (samples: number) => {
      const random = RandomStream.seeded(9);
      const made = problem({ ...SETTINGS, samples, evaluate: (x) => sphere(x) + 3 * random.gauss() });
      assert.deepEqual(planOf(made, { islands: 3 }).engines, ["bipop", "ipop", "bipop"]);
      const { best } = await search(made, { seed: 2, evaluations: 1_500, engines: ["cma:restarts=none"] });
      return sphere(best?.genes ?? assert.fail());
    };
    const [few, many] = [await found(1), await found(50)];
    assert.ok(many < few, `${many} with 50 samples, ${few} with one`);
  });

  it("is refused with samples that make no sense", () => {
    assert.throws(() => problem({ ...SETTINGS, samples: 0, evaluate: sphere }), { message: /samples is 0/ });
  });
});
