// Processor time of processes that come, end and are waited for, or not, as the system would tell it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ProcessorTime } from "./processor-time.ts";

const [CONTAINER, CELL] = [1, 2];
const at = (...all: readonly (readonly [pid: number, ownMs: number, waitedMs: number])[]) =>
  new Map(all.map(([pid, ownMs, waitedMs]) => [pid, { ownMs, waitedMs }]));

describe("the processor time of some processes", () => {
  it("counts what was ended with who would have waited for it, and what comes after", () => {
    const time = new ProcessorTime();
    time.seen(at([CONTAINER, 100, 0], [CELL, 900, 0]));
    assert.equal(time.seen(at([CONTAINER, 110, 0])), 1_010);
    assert.equal(time.seen(at([CONTAINER, 110, 0], [3, 900, 0])), 1_910, "another cell hides behind no earlier one");
    assert.equal(
      time.seen(at([CONTAINER, 110, 0], [4, 950, 0])),
      2_860,
      "also where one took its place between two looks",
    );
  });

  it("counts what was waited for once, at that look or at the next", () => {
    const time = new ProcessorTime();
    time.seen(at([CONTAINER, 100, 0], [CELL, 900, 0]));
    assert.equal(time.seen(at([CONTAINER, 100, 920])), 1_020, "its last 20 ms were not seen before");
    time.seen(at([CONTAINER, 100, 920], [3, 500, 0]));
    assert.equal(time.seen(at([CONTAINER, 100, 920])), 1_520, "it has ended, and was not waited for yet");
    assert.equal(time.seen(at([CONTAINER, 100, 1_430])), 1_530);
    assert.equal(time.seen(at([CONTAINER, 100, 1_830])), 1_930, "one that came and went between two looks");
  });

  it("takes a process for another where its number is given anew", () => {
    const time = new ProcessorTime();
    time.seen(at([CONTAINER, 100, 0], [CELL, 900, 0]));
    assert.equal(time.seen(at([CONTAINER, 100, 0], [CELL, 50, 0])), 1_050);
  });

  it("never grows less", () => {
    const used = fc.record({ ownMs: fc.nat(5_000), waitedMs: fc.nat(5_000) });
    const look = fc.array(fc.tuple(fc.nat(6), used), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), (looks) => {
        const time = new ProcessorTime();
        let before = 0;
        for (const each of looks) {
          const after = time.seen(new Map(each));
          assert.ok(after >= before);
          before = after;
        }
      }),
    );
  });
});
