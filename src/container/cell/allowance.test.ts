// The mean that cells are held to, on a pretended processor.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { afterUse, allowanceFrom, BURST_MS, lookInMs } from "./allowance.ts";

/** Threads that want a part of the time each; answers with what they got over so long, and how long they were paused. */
function run(cpuPermille: number, wants: number, forMs: number, lateMs: () => number) {
  let allowance = allowanceFrom(0, 0);
  let [now, used, paused, gap] = [0, 0, 0, 0];
  while (now < forMs) {
    const step = lookInMs(allowance, cpuPermille) + lateMs();
    now += step;
    if (allowance.isPaused) paused += step;
    else used += step * wants;
    if (!allowance.isPaused) gap = Math.max(gap, step * wants);
    allowance = afterUse(allowance, { now, usedMs: used, cpuPermille });
  }
  return { now, used, paused, gap };
}

describe("an allowance", () => {
  it("holds them to their mean, whatever they want and however late it is looked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 4_000 }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.infiniteStream(fc.integer({ min: 0, max: 300 })),
        (cpuPermille, wants, late) => {
          const { now, used, gap } = run(cpuPermille, wants, 60_000, () => late.next().value ?? 0);
          assert.ok(used <= (now * cpuPermille) / 1_000 + BURST_MS + gap + 1, `${used} ms of ${now}`);
        },
      ),
    );
  });

  it("pauses nobody who uses less", () => {
    for (const cpuPermille of [100, 500, 2_000])
      assert.equal(run(cpuPermille, (0.99 * cpuPermille) / 1_000, 60_000, () => 0).paused, 0);
  });

  it("gives who wants more nearly all that he may", () => {
    const { now, used } = run(500, 4, 60_000, () => 1);
    assert.ok(used > now * 0.5 * 0.95, `${used} ms of ${now}`);
  });

  it("takes a process that ended while it was looked at for no gain", () => {
    const before = allowanceFrom(0, 1_000);
    const missed = afterUse(before, { now: 100, usedMs: 700, cpuPermille: 100 });
    assert.equal(afterUse(missed, { now: 100, usedMs: 1_000, cpuPermille: 100 }).balanceMs, BURST_MS);
  });
});
