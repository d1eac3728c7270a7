import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Timer } from "./clock.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** The oracle: a list searched from its start. */
class SortedList {
  #timers: { tick: number; name: number }[] = [];
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  insert(tick: number, name: number): void {
    this.#timers.push({ tick: Math.max(tick, this.#now), name });
  }

  cancel(name: number): void {
    this.#timers = this.#timers.filter((timer) => timer.name !== name);
  }

  advance(now: number): number[] {
    this.#now = now;
    const due = this.#timers.filter((timer) => timer.tick <= now).sort((a, b) => a.tick - b.tick);
    this.#timers = this.#timers.filter((timer) => timer.tick > now);
    return due.map((timer) => timer.name);
  }

  get first(): number {
    return Math.min(...this.#timers.map((timer) => timer.tick));
  }
}

function drain(wheel: TimerWheel, now: number): void {
  for (let due = wheel.take(now); due !== undefined; due = wheel.take(now)) due.fire();
}

const delay = fc.oneof(
  fc.integer({ min: -5, max: 40 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("insert" as const), delay }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("advance" as const), by: delay }) },
);

describe("timer wheel", () => {
  it("fires what a sorted list fires, in its order, whatever is inserted, cancelled and waited for", () => {
    const start = fc.constantFrom(0, 31, 2 ** 30 - 3, 2 ** 32 - 7, 2 ** 40 + 12_345);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 120, size: "max" }), (from, steps) => {
        const wheel = new TimerWheel(from);
        const list = new SortedList(from);
        const timers: Timer[] = [];
        const fired: number[] = [];
        let now = from;
        for (const each of steps) {
          if (each.kind === "insert") {
            const name = timers.length;
            timers.push(wheel.insert(now + each.delay, () => fired.push(name)));
            list.insert(now + each.delay, name);
          } else if (each.kind === "cancel") {
            const name = each.which % Math.max(1, timers.length);
            timers[name]?.cancel();
            list.cancel(name);
          } else {
            now += Math.max(0, each.by);
            fired.length = 0;
            assert.ok(wheel.next() <= list.first);
            drain(wheel, now);
            assert.deepEqual(fired, list.advance(now));
          }
        }
        fired.length = 0;
        drain(wheel, now + 2 ** 32);
        assert.deepEqual(fired, list.advance(now + 2 ** 32));
        assert.equal(wheel.size, 0);
        assert.equal(wheel.next(), Number.POSITIVE_INFINITY);
      }),
      { numRuns: 500 },
    );
  });

  it("fires at its tick what lies further away than the wheel reaches", () => {
    const wheel = new TimerWheel(5);
    const fired: string[] = [];
    wheel.insert(5 + 2 ** 34 + 1, () => fired.push("far"));
    wheel.insert(9, () => fired.push("near"));
    drain(wheel, 5 + 2 ** 34);
    assert.deepEqual(fired, ["near"]);
    drain(wheel, 5 + 2 ** 34 + 1);
    assert.deepEqual(fired, ["near", "far"]);
  });

  it("fires in the same turn what a timer inserts for the present tick, after all that was there", () => {
    const wheel = new TimerWheel(0);
    const fired: string[] = [];
    wheel.insert(3, () => {
      fired.push("first");
      wheel.insert(0, () => fired.push("third"));
    });
    wheel.insert(3, () => fired.push("second"));
    drain(wheel, 3);
    assert.deepEqual(fired, ["first", "second", "third"]);
  });

  it("does not fire what another timer of the same tick cancelled", () => {
    const wheel = new TimerWheel(0);
    let fired = false;
    const second: { timer?: Timer } = {};
    wheel.insert(3, () => second.timer?.cancel());
    second.timer = wheel.insert(3, () => {
      fired = true;
    });
    drain(wheel, 3);
    assert.equal(fired, false);
    second.timer.cancel();
    assert.equal(wheel.size, 0);
  });
});
