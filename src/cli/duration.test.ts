import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatMs, parseDuration } from "./duration.ts";

describe("durations", () => {
  it("are read with their unit", () => {
    const read = ["50ms", "2s", "1.5m", "1h", "30d", "0s"].map(parseDuration);
    assert.deepEqual(read, [50, 2_000, 90_000, 3_600_000, 2_592_000_000, 0]);
  });

  it("are refused without a unit, with a sign, with an unknown unit or with more", () => {
    for (const text of ["5", "-1s", "1w", "", "s", "1 s", "1s2", "NaNs", "1e3s", "."]) {
      assert.throws(() => parseDuration(text), { name: "UsageError", message: new RegExp(`^'${text}' is not a time`) });
    }
  });

  it("are written as people say them", () => {
    const written = [0.123, 4.56, 45.6, 999.4, 1_234, 30_000, 600_000, 2_592_000_000].map(formatMs);
    assert.deepEqual(written, ["0.12 ms", "4.6 ms", "46 ms", "999 ms", "1.2 s", "30 s", "10 min", "30 days"]);
  });
});
