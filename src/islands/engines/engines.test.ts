// Every engine: it finds, it goes on from any state bit by bit, and it keeps within bounds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { leadingOnes, leadingOnesTheory, oneMax, traps } from "../functions/theory.ts";
import { dtlz2, ZDT } from "../functions/zdt.ts";
import { type ProblemSettings, problem } from "../problem.ts";
import { RandomStream } from "../random-stream.ts";
import { search } from "../search.ts";
import { decodeState, encodeState, type StateRecord } from "../state/codec.ts";
import type { Engine } from "./engine.ts";
import { engineOf, makeEngine, NAMED_ENGINES } from "./make-engine.ts";
import { frontsOf, hypervolume } from "./pareto.ts";

const sphere = (x: Float64Array) => x.reduce((sum, each) => sum + each * each, 0);
const REAL: ProblemSettings = { dimensions: 5, lower: -5, upper: 3, evaluate: sphere };
const REAL_ENGINES = Object.keys(NAMED_ENGINES).filter((name) => name !== "nsga2");

function step(engine: Engine, { evaluate, objectives = 1 }: ProblemSettings): readonly Float64Array[] {
  const rows = engine.ask();
  const values = rows.flatMap((row) => {
    const answer = evaluate?.(row);
    return typeof answer === "number" ? [answer] : [...(answer as readonly number[])];
  });
  assert.equal(values.length, rows.length * objectives);
  engine.tell(Float64Array.from(values));
  return rows;
}

describe("engines", () => {
  for (const name of REAL_ENGINES) {
    it(`${name} finds the least of a sphere, no candidate outside the bounds`, () => {
      const made = problem(REAL);
      const engine = makeEngine(engineOf(name), made.space, RandomStream.seeded(3));
      let best = Number.POSITIVE_INFINITY;
      for (let spent = 0; spent < 20_000; ) {
        const rows = step(engine, REAL);
        spent += rows.length;
        for (const row of rows) {
          assert.ok(
            row.every((gene) => gene >= -5 && gene <= 3),
            `${name} asked for ${row}`,
          );
          best = Math.min(best, sphere(row));
        }
      }
      assert.ok(best < (["ga", "ea", "emas"].includes(name) ? 1e-2 : 1e-8), `${name}: ${best}`);
    });
  }

  for (const [name, settings] of [
    ...REAL_ENGINES.map((name) => [name, REAL] as const),
    ["nsga2", ZDT.zdt1] as const,
    ["ga", { dimensions: 20, genome: "bits", evaluate: oneMax }] as const,
    ["ea", { dimensions: 20, genome: "bits", evaluate: oneMax }] as const,
    [
      "ga",
      {
        dimensions: 9,
        genome: "permutation",
        evaluate: (x: Float64Array) => x.reduce((sum, gene, i) => sum + Math.abs(gene - i), 0),
      },
    ] as const,
  ]) {
    it(`${name}, ${settings.genome ?? "real"}, goes on from what it saved as it would have`, () => {
      const { space } = problem(settings);
      const random = RandomStream.seeded(8);
      const engine = makeEngine(engineOf(name), space, random);
      for (let generation = 0; generation < 120; generation++) {
        if (generation % 17 === 0) {
          const bytes = encodeState(engine.save());
          const words = random.words.slice();
          // It was a record before it was bytes.
          const again = makeEngine(engineOf(name), space, new RandomStream(words), decodeState(bytes) as StateRecord);
          const copies = engine.ask().map((row) => row.slice());
          assert.deepEqual(
            again.ask().map((row) => row.slice()),
            copies,
            `generation ${generation}`,
          );
          const values = Float64Array.from(copies.flatMap((row) => settings.evaluate?.(row) as number | number[]));
          engine.tell(values.slice());
          again.tell(values.slice());
          assert.deepEqual(encodeState(again.save()), encodeState(engine.save()));
        } else step(engine, settings);
      }
    });
  }

  it("have any state survive as bytes, to the last bit", () => {
    const numbers = fc.array(fc.double(), { maxLength: 20 });
    fc.assert(
      fc.property(numbers, fc.string(), fc.boolean(), (list, text, yes) => {
        const state = { list: Float64Array.from(list), text, yes, none: undefined, nested: [list, { text }] };
        assert.deepEqual(decodeState(encodeState(state)), state);
      }),
    );
    const whole = encodeState({ genes: new Float64Array(9), name: "x" });
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => decodeState(whole.subarray(0, length)), { code: "invalid" });
    }
  });

  it("keep to whole numbers, broken constraints and permutations", async () => {
    const mixed = await search(
      problem({
        ...{ dimensions: 3, lower: -10, upper: 10, integer: [0, 1] },
        evaluate: (x) => {
          assert.ok(Number.isInteger(x[0]) && Number.isInteger(x[1]));
          return { values: sphere(x.map((gene) => gene - 2.4)), violations: [5 - (x[2] ?? 0)] };
        },
      }),
      { seed: 2, evaluations: 4_000 },
    );
    assert.deepEqual([...(mixed.best?.genes.subarray(0, 2) ?? [])], [2, 2]);
    assert.ok(Math.abs((mixed.best?.genes[2] ?? 0) - 5) < 1e-3, String(mixed.best?.genes));
    const order = await search(
      problem({
        ...{ dimensions: 8, genome: "permutation", target: 0 },
        evaluate: (x) => {
          assert.deepEqual([...x].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
          return x.reduce((sum, gene, i) => sum + Math.abs(gene - i), 0);
        },
      }),
      { seed: 2, evaluations: 20_000 },
    );
    assert.equal(order.reachedTarget, true);
  });

  for (const name of ["lm-cma", "sep-cma", "de-separable", "shade", "ga"]) {
    it(`${name} takes ten thousand dimensions, with a state that fits into a message`, () => {
      const { space } = problem({ dimensions: 10_000, lower: -1, upper: 1, evaluate: sphere });
      const engine = makeEngine(engineOf(name), space, RandomStream.seeded(1));
      for (let generation = 0; generation < 4; generation++) {
        const rows = engine.ask();
        engine.tell(Float64Array.from(rows, sphere));
      }
      const { length } = encodeState(engine.save());
      assert.ok(length < 12 * 2 ** 20, `${length} bytes`);
    });
  }

  it("refuse populations that no memory holds", () => {
    const { space } = problem({ dimensions: 10_000, lower: -1, upper: 1, evaluate: sphere });
    for (const name of ["ga:population=100000", "de:population=100000", "cma:population=100000"]) {
      assert.throws(() => makeEngine(engineOf(name), space, RandomStream.seeded(1)), {
        code: "invalid",
        message: /100000 members of 10000 genes/,
      });
    }
  });

  it("ga with one member takes the time that theory says on LeadingOnes", () => {
    const [n, runs] = [20, 300];
    const settings: ProblemSettings = { dimensions: n, genome: "bits", evaluate: leadingOnes };
    const options = { population: 1, children: 1, crossover: 0, mutation: 1 / n, survival: "plus" } as const;
    const times = Array.from({ length: runs }, (_, run) => {
      const engine = makeEngine({ kind: "ga", options }, problem(settings).space, RandomStream.seeded(run));
      for (let evaluations = 1; ; evaluations++) {
        if (leadingOnes(step(engine, settings)[0] as Float64Array) === 0) return evaluations;
      }
    });
    const mean = times.reduce((sum, each) => sum + each, 0) / runs;
    const deviation = Math.sqrt(times.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (runs - 1));
    assert.ok(
      Math.abs(mean - leadingOnesTheory(n)) < 3 * (deviation / Math.sqrt(runs)),
      `${mean}, theory ${leadingOnesTheory(n)}`,
    );
  });

  it("islands of ga solve deceptive traps", async () => {
    const made = problem({ dimensions: 40, genome: "bits", target: 0, evaluate: (x) => traps(x) });
    const settings = ["migration.every=500"];
    const found = await search(made, { islands: 8, engines: ["ga"], seed: 4, evaluations: 40_000, settings });
    assert.equal(found.reachedTarget, true);
  });

  it("nsga2 comes to the known fronts", async () => {
    const found = await search(problem(ZDT.zdt1), { seed: 1, evaluations: 25_000 });
    const volume = hypervolume(
      found.front.map(({ values }) => values),
      [1.1, 1.1],
    );
    assert.ok(volume > 0.86, `${volume}`);
    const sphereFront = await search(problem(dtlz2(3)), { seed: 1, evaluations: 10_000 });
    const lengths = sphereFront.front.map(({ values }) => Math.hypot(...values));
    assert.ok(lengths.every((length) => length >= 1 - 1e-9));
    assert.ok(lengths.reduce((sum, each) => sum + each, 0) / lengths.length < 1.1);
  });

  it("sort fronts as their definition says", () => {
    const points = fc.array(fc.tuple(fc.integer({ max: 5, min: 0 }), fc.integer({ max: 5, min: 0 })), { minLength: 1 });
    fc.assert(
      fc.property(points, (list) => {
        const values = list.map(([a, b]) => Float64Array.of(a, b));
        const fronts = frontsOf(values);
        assert.deepEqual(
          fronts.flat().sort((a, b) => a - b),
          [...values.keys()],
        );
        const dominated = (i: number, by: readonly number[]) =>
          by.some(
            (j) =>
              list[j] !== undefined &&
              list[i] !== undefined &&
              list[j][0] <= list[i][0] &&
              list[j][1] <= list[i][1] &&
              (list[j][0] < list[i][0] || list[j][1] < list[i][1]),
          );
        for (const [rank, front] of fronts.entries()) {
          for (const i of front) {
            assert.ok(!dominated(i, front));
            if (rank > 0) assert.ok(dominated(i, fronts[rank - 1] ?? []));
          }
        }
      }),
    );
  });
});
