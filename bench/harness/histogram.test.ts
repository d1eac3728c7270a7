import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Histogram } from "./histogram.ts";

describe("a histogram of latencies", () => {
  it("answers every quantile at most 0.8 % above the true one", () => {
    const milliseconds = fc.double({ min: 0.0001, max: 40_000, noNaN: true });
    const shares = fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1);
    fc.assert(
      fc.property(fc.array(milliseconds, { minLength: 1, maxLength: 300 }), shares, (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const sorted = [...values].sort((a, b) => a - b);
        const trueUs = (sorted[Math.ceil(values.length * share) - 1] ?? Number.NaN) * 1_000;
        const unitUs = 0.01;
        const found = histogram.quantileUs(share);
        assert.ok(found >= trueUs - unitUs && found <= trueUs * 1.008 + unitUs, `${found} for ${trueUs}`);
      }),
    );
  });

  it("has no quantile before a value is recorded", () => {
    assert.ok(Number.isNaN(new Histogram().quantileUs(0.5)));
  });

  it("counts what is past its end at its end", () => {
    const histogram = new Histogram();
    histogram.record(1e9);
    assert.equal(Math.round(histogram.quantileUs(0.5) / 1e6), 43);
  });
});
