import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sleep } from "../base/clock.ts";
import { ProcessClock } from "./process-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Of the virtual clock. */
const RESOLUTION_MS = 1 / 64;

describe("virtual clock", () => {
  it("runs events in the order of their times, those of one time in the order they were asked for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 60 }), async (waits) => {
        const clock = new VirtualClock();
        const seen: { wait: number; index: number }[] = [];
        waits.forEach((wait, index) => {
          clock.after(wait, () => {
            assert.ok(clock.now() >= wait && clock.now() <= wait + RESOLUTION_MS);
            seen.push({ wait: clock.now(), index });
          });
        });
        await clock.advance(51);
        assert.equal(clock.now(), 51);
        assert.equal(seen.length, waits.length);
        const sorted = [...seen].sort((a, b) => a.wait - b.wait || a.index - b.index);
        assert.deepEqual(seen, sorted);
      }),
    );
  });

  it("fires at a moment on this clock as after the time to it", async () => {
    const world = new VirtualClock();
    await world.advance(7);
    for (const clock of [world, new ProcessClock(world, { offsetMs: -300, rate: 1.25 })]) {
      const from = clock.now();
      const fired: number[] = [];
      for (const ms of [-5, 3, 10.5]) {
        clock.at(from + ms, () => fired.push(clock.now() - from));
        clock.after(ms, () => fired.push(clock.now() - from));
      }
      await world.advance(20);
      const [late, lateToo, three, threeToo, ten, tenToo] = fired;
      assert.deepEqual([late, three, ten], [lateToo, threeToo, tenToo]);
      assert.ok(late === 0 && (three ?? 0) >= 3 && (ten ?? 0) >= 10.5, String(fired));
    }
  });

  it("runs every microtask of an event before the next one", async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const deep = async (name: string) => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      order.push(`${name} settled`);
    };
    for (const name of ["a", "b", "c"]) {
      clock.after(1, () => {
        order.push(name);
        void deep(name);
      });
    }
    await clock.advance(1);
    assert.deepEqual(order, ["a", "a settled", "b", "b settled", "c", "c settled"]);
  });

  it("runs what was asked for soon before a timer that is due", async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(0, () => order.push("timer"));
    clock.soon(() => {
      order.push("soon");
      clock.soon(() => order.push("soon of soon"));
    });
    await clock.advance(0);
    assert.deepEqual(order, ["soon", "soon of soon", "timer"]);
  });

  it("lets hours of sleeping pass at once, and leaves what is not due", async () => {
    const clock = new VirtualClock();
    const woken: number[] = [];
    for (const hours of [1, 2, 3]) void sleep(clock, hours * 3_600_000).then(() => woken.push(clock.now()));
    await clock.advance(2 * 3_600_000);
    assert.deepEqual(woken, [3_600_000, 7_200_000]);
  });

  it("stops at the event after which the condition holds", async () => {
    const clock = new VirtualClock();
    let count = 0;
    const tick = () => {
      count++;
      clock.after(10, tick);
    };
    tick();
    assert.equal(await clock.runUntil(() => count === 5, 1_000), true);
    assert.equal(clock.now(), 40);
    assert.equal(await clock.runUntil(() => count === 1_000, 100), false);
    assert.equal(clock.now(), 140);
  });

  it("rejects with what an event threw", async () => {
    const clock = new VirtualClock();
    clock.after(1, () => {
      throw new Error("broken");
    });
    await assert.rejects(clock.advance(2), /broken/);
    await clock.advance(1);
  });

  it("refuses to be advanced by two at once", async () => {
    const clock = new VirtualClock();
    const first = clock.advance(1);
    await assert.rejects(clock.advance(1), { code: "invalid" });
    await first;
  });
});

describe("clock of a simulated process", () => {
  it("shows its own time and fires by it, never early", async () => {
    const world = new VirtualClock();
    const fast = new ProcessClock(world, { offsetMs: 1_000, rate: 1.25 });
    const slow = new ProcessClock(world, { offsetMs: -5, rate: 0.7 });
    const fired: Record<string, number> = {};
    for (const [name, clock] of Object.entries({ fast, slow })) {
      const start = clock.now();
      clock.after(100, () => {
        assert.ok(
          clock.now() - start >= 100 && clock.now() - start < 100 + 2 * RESOLUTION_MS,
          `${name}: ${clock.now() - start}`,
        );
        fired[name] = Math.round(world.now());
      });
    }
    await world.advance(200);
    assert.deepEqual(fired, { fast: 80, slow: 143 });
  });

  it("does not jump when its rate changes, and fires no timer before its local time", async () => {
    const world = new VirtualClock();
    const clock = new ProcessClock(world);
    let firedAt = 0;
    clock.after(100, () => {
      firedAt = clock.now();
    });
    await world.advance(50);
    clock.setRate(0.5);
    assert.equal(clock.now(), 50);
    await world.advance(60);
    assert.equal(firedAt, 0);
    await world.advance(60);
    assert.ok(firedAt >= 100);
  });

  it("holds everything while paused and catches up in order, turn by turn", async () => {
    const world = new VirtualClock();
    const clock = new ProcessClock(world);
    const order: string[] = [];
    const note = (what: string) => () => void order.push(what);
    clock.after(5, () => {
      order.push("timer");
      Promise.resolve().then(note("its microtask"));
    });
    const cancelled = clock.after(6, note("cancelled while held"));
    clock.after(30, note("later timer"));
    clock.pause();
    await world.advance(10);
    clock.deliver(note("delivery"));
    await world.advance(10);
    assert.equal(order.length, 0);
    assert.equal(clock.now(), 20);
    cancelled.cancel();
    clock.resume();
    clock.deliver(note("delivery while catching up"));
    await world.advance(20);
    assert.deepEqual(order, ["timer", "its microtask", "delivery", "delivery while catching up", "later timer"]);
  });

  it("runs nothing after it was killed", async () => {
    const world = new VirtualClock();
    const clock = new ProcessClock(world);
    let ran = false;
    const set = () => {
      ran = true;
    };
    clock.after(1, set);
    clock.soon(set);
    clock.pause();
    clock.deliver(set);
    clock.kill();
    clock.resume();
    clock.deliver(set);
    await world.advance(10);
    assert.equal(ran, false);
    assert.equal(clock.alive, false);
  });
});
