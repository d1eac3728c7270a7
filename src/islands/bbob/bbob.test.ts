// BBOB functions against values that COCO computed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { bbob } from "./bbob.ts";

type Row = readonly [id: string, optimum: number, ...values: number[]];

// Points as the source of the figures says.
const fixture = new URL("../../../test/fixtures/bbob-values.json", import.meta.url);
/** f19 takes the cosine of numbers near 1e5, so it shows whether a C library's own cosine was rounded to the nearest. */
const LIMITS: Readonly<Record<number, number>> = { 19: 3e-12 };

const { rows }: { rows: readonly Row[] } = JSON.parse(readFileSync(fixture, "utf8"));

function point(dimension: number, k: number): Float64Array {
  const turn = 0.6180339887498949;
  return Float64Array.from({ length: dimension }, (_, i) => -4 + 8 * ((turn * (i + 1) * (k + 1)) % 1));
}

describe("BBOB", () => {
  it("has COCO's values to 1e-12 (f19: 3e-12), three instances of each function in four dimensions", () => {
    assert.equal(rows.length, 24 * 3 * 4);
    let worst = 0;
    for (const [id, optimum, ...values] of rows) {
      const [, number = 0, instance = 0, dimension = 0] = (/f(\d+)_i(\d+)_d(\d+)/.exec(id) ?? []).map(Number);
      const made = bbob(number, dimension, instance);
      assert.equal(made.optimum, optimum, id);
      for (const [k, expected] of values.entries()) {
        const found = made.evaluate(point(dimension, k));
        const error = Math.abs(found - expected) / Math.max(1, Math.abs(expected));
        worst = Math.max(worst, error);
        assert.ok(error <= (LIMITS[number] ?? 1e-12), `${id}, point ${k}: ${found}, COCO has ${expected}`);
      }
    }
    assert.ok(worst > 0, "nothing was compared");
  });

  it("names what it does not have", () => {
    assert.throws(() => bbob(25, 10), { code: "invalid", message: /f25.*f1 to f24/ });
    assert.throws(() => bbob(1, 1), { code: "invalid", message: /2 to 1000 dimensions, not 1/ });
    assert.throws(() => bbob(1, 2, 0), { code: "invalid", message: /instances/ });
  });
});
