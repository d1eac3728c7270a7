// Amounts of memory, read and shown.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSize, parseSize } from "./size.ts";

describe("an amount of memory", () => {
  it("is read with its unit, decimal or binary, in any case", () => {
    const cases: readonly [string, number][] = [
      ["2GB", 2e9],
      ["512MB", 512e6],
      ["512MiB", 512 * 2 ** 20],
      ["1.5 gib", 1.5 * 2 ** 30],
      ["0B", 0],
    ];
    for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
  });

  it("is refused without a unit, or with one nobody knows", () => {
    for (const text of ["2", "GB", "2 gigs", "-2GB", "2GB!", "", "1e3MB"]) {
      assert.throws(() => parseSize(text), { name: "UsageError", message: /'.*' is not an amount of memory/ }, text);
    }
  });

  it("is shown short", () => {
    const cases: readonly [number, string][] = [
      [0, "0 B"],
      [999, "999 B"],
      [340_200, "340 kB"],
      [54_321_000, "54 MB"],
      [1_640_000_000, "1.6 GB"],
      [2e9, "2 GB"],
      [512 * 2 ** 20, "512 MiB"],
      [3 * 2 ** 30, "3 GiB"],
    ];
    for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text);
  });
});
