// How much of a step is given away at one time, as a table and as a small world of workers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StepNode } from "../graph.ts";
import { DEFAULT_STEP } from "../policy.ts";
import { type Given, Windows, windowOf } from "./windows.ts";

/** All that is looked at of a step. */
function stepOf(contract: string, timeoutMs = 30_000): StepNode {
  return { method: { parent: { typeName: contract } }, policy: { ...DEFAULT_STEP, timeoutMs } } as StepNode;
}

describe("what is given away of a step", () => {
  it("is twice what is worked on at once, and no more than that where a wait would take its time", () => {
    const cases: [number | undefined, number, number, number][] = [
      // mean ms, at once, time-out ms, window
      [undefined, 1, 30_000, 8],
      [undefined, 50, 30_000, 50],
      [500, 1, 30_000, 2],
      [500, 16, 30_000, 32],
      [20_000, 4, 30_000, 4],
      [3, 1, 30_000, Number.POSITIVE_INFINITY],
      [30, 16, 30_000, Number.POSITIVE_INFINITY],
    ];
    for (const [meanMs, parallel, timeoutMs, most] of cases)
      assert.equal(windowOf(meanMs, parallel, timeoutMs), most, JSON.stringify([meanMs, parallel, timeoutMs]));
  });

  it("counts all steps of a contract together, and what it learns is not what has waited", () => {
    const windows = new Windows((contract) => (contract === "known" ? 2 : undefined));
    const [one, two, other] = [stepOf("known"), stepOf("known"), stepOf("unknown")];
    assert.equal(windows.room(other), Number.POSITIVE_INFINITY);
    assert.equal(windows.room(one), 8);
    // Eight are given at once and worked on two at a time, 100 ms each.
    const given = Array.from({ length: 8 }, () => windows.given(one, 0));
    assert.deepEqual([windows.room(one), windows.room(two)], [0, 0]);
    for (const [index, each] of given.entries()) windows.back(one, each, 100 * (Math.floor(index / 2) + 1));
    // 2 at a time, and 2 that wait; the other step has not been seen.
    assert.deepEqual([windows.room(one), windows.room(two)], [4, 8]);
  });

  it("lets nothing wait near its time limit once a step has been seen, whatever it takes", () => {
    for (const [serviceMs, timeoutMs, parallel] of [
      [200, 1_000, 1],
      [5_000, 30_000, 3],
      [25_000, 30_000, 2],
    ] as const) {
      const windows = new Windows(() => parallel);
      const step = stepOf("work", timeoutMs);
      const waiting: Given[] = [];
      const ends: { at: number; given: Given }[] = [];
      let now = 0;
      let worst = 0;
      for (let done = 0; done < 200; ) {
        for (let room = windows.room(step); room > 0; room--) waiting.push(windows.given(step, now));
        while (ends.length < parallel && waiting.length > 0) {
          const given = waiting.shift();
          if (given !== undefined) ends.push({ at: now + serviceMs, given });
        }
        const next = ends.shift();
        if (next === undefined) assert.fail("nothing is worked on");
        now = next.at;
        if (done++ > 20) worst = Math.max(worst, now - next.given.at);
        windows.back(step, next.given, now);
      }
      assert.ok(worst < timeoutMs, `${serviceMs} ms each, ${parallel} at once: one took ${worst} ms of ${timeoutMs}`);
      assert.ok(now <= (200 / parallel + 1) * serviceMs, `workers were idle: ${now} ms`);
    }
  });
});
