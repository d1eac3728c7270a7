// Engines are told options with their names, and refuse those that make no sense.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { problem } from "../problem.ts";
import { RandomStream } from "../random-stream.ts";
import { engineOf, makeEngine } from "./make-engine.ts";

const { space } = problem({ dimensions: 4, lower: -1, upper: 1, evaluate: () => 0 });

describe("options of engines", () => {
  it("are put to those that the name has already", () => {
    assert.deepEqual(engineOf("ga:population=30,mutation=0.05,survival=plus"), {
      kind: "ga",
      options: { population: 30, mutation: 0.05, survival: "plus" },
    });
    assert.deepEqual(engineOf("de-separable:population=50"), {
      kind: "de",
      options: { factor: 0.5, crossover: 0.1, population: 50 },
    });
  });

  it("reach the engine", () => {
    for (const [name, rows] of [
      ["cma:population=7", 7],
      ["de:population=31,strategy=best/1", 31],
      ["shade:population=40", 40],
      ["ga:population=12", 12],
      ["emas:population=9", 9],
    ] as const) {
      assert.equal(makeEngine(engineOf(name), space, RandomStream.seeded(1)).ask().length, rows, name);
    }
  });

  it("that make no sense are refused, naming what there is", () => {
    for (const [name, message] of [
      ["ga:populaton=3", /ga has no option 'populaton'; did you mean 'population'.*; it has .*population/],
      ["ga:population=2.5", /population of ga cannot be '2.5'; it is a whole number from 1/],
      ["cma:population=1", /population of cma cannot be '1'/],
      ["cma:restarts=maybe", /restarts of cma cannot be 'maybe'; it is one of bipop, ipop, none/],
      ["de:factor=", /factor of de cannot be ''/],
      ["ga:", /ga has no option ''/],
      ["gaa:population=3", /no engine 'gaa'/],
    ] as const) {
      assert.throws(() => engineOf(name), { code: "invalid", message }, name);
    }
  });
});
