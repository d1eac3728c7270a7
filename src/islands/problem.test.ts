// A problem that makes no sense is refused when it is made, and says what is wrong with it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noWatch } from "./evaluator.ts";
import { type Answer, type ProblemSettings, problem } from "./problem.ts";
import { search } from "./search.ts";

const GOOD: ProblemSettings = { dimensions: 2, lower: -1, upper: 1, evaluate: () => 0 };

describe("a problem", () => {
  for (const [what, change, message] of [
    ["no dimensions", { dimensions: 0 }, /dimensions is 0; it is a whole number from 1/],
    ["half a dimension", { dimensions: 2.5 }, /dimensions is 2.5/],
    ["no number of dimensions", { dimensions: Number.NaN }, /dimensions is NaN/],
    ["a million dimensions", { dimensions: 1e6 }, /from 1 to 100000/],
    ["inverted bounds", { lower: 1, upper: -1 }, /gene 0: lower 1 is not below upper -1/],
    ["equal bounds", { lower: [0, 1], upper: [1, 1] }, /gene 1: lower 1 is not below upper 1/],
    ["bounds that are no numbers", { lower: Number.NaN }, /gene 0: lower NaN/],
    ["infinite bounds", { lower: Number.NEGATIVE_INFINITY }, /gene 0 has no finite bounds.*start: \{/],
    ["a bound too few", { lower: [0] }, /lower has 1 numbers for 2 dimensions/],
    ["a start outside", { start: { lower: -2, upper: 0 } }, /start from -2 to 0 is not within its bounds, -1 to 1/],
    ["an inverted start", { start: { lower: 0.5, upper: 0 } }, /start from 0.5 to 0/],
    ["whole genes that it has not", { integer: [2] }, /integer names gene 2; genes are 0 to 1/],
    ["no objectives", { objectives: 0 }, /objectives is 0/],
    ["too many objectives", { objectives: 21 }, /from 1 to 20/],
    ["a genome nobody knows", { genome: "dna" as never }, /genome 'dna' is not known/],
    ["a mistyped name", { objectivs: 2 } as object, /knows no 'objectivs'; did you mean 'objectives'\?/],
    ["what shall be most", { maximize: true } as object, /knows no 'maximize'; less is better: answer the negative/],
    ["nothing that evaluates", { evaluate: undefined as never }, /has no evaluate/],
  ] as const) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => problem({ ...GOOD, ...change }), { code: "invalid", message });
    });
  }

  it("of a class may have fields of its own", async () => {
    class Counting {
      readonly dimensions = 2;
      readonly lower = -1;
      readonly upper = 1;
      calls = 0;
      evaluate(x: Float64Array): number {
        this.calls++;
        return x[0] ?? 0;
      }
    }
    const counting = new Counting();
    await search(problem(counting), { evaluations: 50 });
    assert.ok(counting.calls >= 50);
  });

  for (const [what, options, message] of [
    ["a mistyped option", { engine: ["de"] } as object, /search\(\) knows no 'engine'; did you mean 'engines'\?/],
    ["a seed that is no whole number", { seed: 1.5 }, /seed is 1.5; it is a whole number from 0/],
    ["no islands", { islands: 0 }, /islands is 0; it is a whole number from 1 to 4096/],
    ["too many islands", { islands: 1e5 }, /islands is 100000/],
    ["no evaluations", { evaluations: 0 }, /evaluations is 0/],
    ["an engine there is none of", { engines: ["bipo"] }, /no engine 'bipo'; did you mean 'bipop'\?/],
    ["a setting there is none of", { settings: ["topology=ring"] }, /did you mean 'migration.topology'\?/],
  ] as const) {
    it(`is not searched with ${what}`, async () => {
      await assert.rejects(search(problem(GOOD), options), { code: "invalid", message });
    });
  }

  it("of bits has its islands exchange more often, unless it is told otherwise", async () => {
    const epochs = async (settings: readonly string[]) => {
      const made = problem({ dimensions: 8, genome: "bits", evaluate: (x) => -(x[0] ?? 0) });
      return (await search(made, { islands: 2, engines: ["ga"], evaluations: 2_000, settings })).epoch;
    };
    assert.equal(await epochs([]), 4);
    assert.equal(await epochs(["migration.every=2000"]), 1);
  });

  it("without bounds is searched from where it says", async () => {
    const start = { lower: 10, upper: 11 };
    const made = problem({
      dimensions: 3,
      start,
      target: 1e-6,
      evaluate: (x) => x.reduce((sum, each) => sum + each * each, 0),
    });
    assert.equal((await search(made, { islands: 4, evaluations: 20_000 })).reachedTarget, true);
  });

  it("goes on whatever it answers, and says of each what was wrong", async () => {
    const answers: readonly (() => unknown)[] = [
      () => 1,
      () => Number.NaN,
      () => Number.POSITIVE_INFINITY,
      () => Number.NEGATIVE_INFINITY,
      () => "1",
      () => undefined,
      () => null,
      () => [1, 2],
      () => ({ values: 3, violations: [Number.NaN] }),
      () => Promise.reject(new RangeError("later")),
      () => {
        throw new TypeError("now");
      },
      () => {
        // Anything may be thrown.
        throw "a text";
      },
    ];
    const { evaluator } = problem({ ...GOOD, dimensions: 1, evaluate: (x) => answers[x[0] ?? 0]?.() as Answer });
    const rows = answers.map((_, i) => Float64Array.of(i));
    const values = new Float64Array(rows.length);
    const reasons: string[] = [];
    await evaluator.evaluate(rows, values, {
      ...noWatch(),
      quarantine: ({ genes, reason }) => {
        reasons[genes[0] ?? 0] = reason;
      },
    });
    assert.equal(values[0], 1);
    assert.ok((values[3] ?? 0) < -1e100, "minus infinity is the best there is");
    const wrong = [
      ...[/NaN/, /Infinity/, undefined, /gave string "1"/, /gave nothing/, /not a number/, /gave 2 values, not 1/],
      ...[/a violation is no number/, /threw RangeError: later/, /threw TypeError: now/, /a text/],
    ];
    for (const [i, pattern] of wrong.entries()) {
      if (pattern === undefined) continue;
      assert.equal(values[i + 1], Number.MAX_VALUE);
      assert.match(reasons[i + 1] ?? "", pattern);
    }
  });

  it("in batches that lack an answer or throw is quarantined whole, and goes on", async () => {
    let batches = 0;
    const evaluateBatch = (rows: readonly Float64Array[]): readonly Answer[] => {
      batches++;
      if (batches === 1) return rows.slice(1).map(() => 0);
      if (batches === 2) throw new Error("no more");
      return rows.map((row) => row.reduce((sum, each) => sum + each * each, 0));
    };
    const { evaluate: _, ...rest } = GOOD;
    const found = await search(problem({ ...rest, evaluateBatch, target: 1e-6 }), { engines: ["de"] });
    assert.equal(found.reachedTarget, true);
  });
});
