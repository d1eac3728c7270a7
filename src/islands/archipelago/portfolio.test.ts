// Islands go over to what works, one stays, and nothing is given up for good.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstStanding, reviewed, type Standing } from "./portfolio.ts";

const POOL = ["a", "b", "c"];

/** What stands after reviews in which each island has found the value that `worth` says of its engine then. */
function after(
  reviews: number,
  engines: readonly string[],
  worth: (engine: string, review: number) => number,
): Standing {
  let standing = firstStanding(engines);
  for (let review = 1; review <= reviews; review++) {
    const bests = standing.engines.map((engine, i) =>
      Math.min(standing.bests[i] ?? Number.POSITIVE_INFINITY, worth(engine, review)),
    );
    standing = reviewed(standing, { epoch: review * 10, bests, pool: POOL });
  }
  return standing;
}

describe("a portfolio", () => {
  it("gives the engine that gets on to all islands but the first, one by one", () => {
    const worth = (engine: string, review: number) => (engine === "b" ? 1 / review : 2);
    assert.deepEqual(after(2, ["a", "b", "c", "a"], worth).engines, ["a", "b", "c", "b"]);
    assert.deepEqual(after(4, ["a", "b", "c", "a"], worth).engines, ["a", "b", "b", "b"]);
    assert.deepEqual(after(50, ["a", "b", "c", "a"], worth).engines, ["a", "b", "b", "b"]);
  });

  it("tries those that no island runs again and again, while none gets on", () => {
    const tried = (from: number) =>
      new Set(Array.from({ length: 30 }, (_, i) => after(from + i, ["a", "a"], () => 1).engines[1]));
    assert.deepEqual([...tried(5)].sort(), ["b", "c"]);
    assert.deepEqual([...tried(200)].sort(), ["b", "c"]);
  });

  it("leaves an engine that worked once and gets on no more", () => {
    const worth = (engine: string, review: number) => {
      if (engine === "b") return 1 / Math.min(review, 5);
      return engine === "c" && review > 20 ? 0.1 / review : 2;
    };
    assert.deepEqual(after(5, ["a", "b", "b", "b"], worth).engines, ["a", "b", "b", "b"]);
    assert.deepEqual(after(60, ["a", "b", "b", "b"], worth).engines, ["a", "c", "c", "c"]);
  });
});
