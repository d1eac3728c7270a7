import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { sleep } from "../base/clock.ts";
import { systemClock } from "./clock.ts";

const run = promisify(execFile);

/** Runs a program that has the clock at hand; answers how long it lived and what it wrote. */
async function program(source: string): Promise<{ ms: number; output: string }> {
  const module = new URL("./clock.ts", import.meta.url).href;
  const start = performance.now();
  const { stdout } = await run(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { systemClock } from ${JSON.stringify(module)}; const clock = systemClock(); ${source}`,
    ],
    { timeout: 180_000 },
  );
  return { ms: performance.now() - start, output: stdout };
}

describe("system clock", () => {
  it("fires timers in the order of their times and never early", async () => {
    const clock = systemClock();
    const fired: number[] = [];
    const waits = [30, 5, 17, 5.5, 0, -3, 80, 29].map(async (ms) => {
      const start = clock.now();
      await sleep(clock, ms);
      assert.ok(clock.now() - start >= ms, `${ms} ms took ${clock.now() - start}`);
      // Those that are due in one millisecond fire as they were set. A busy machine may take a while to set them all.
      if (ms > 0) fired.push(Math.ceil(start + ms));
    });
    await Promise.all(waits);
    assert.equal(fired.length, 6);
    for (let i = 1; i < fired.length; i++) assert.ok((fired[i] ?? 0) >= (fired[i - 1] ?? 0) - 1, fired.join(" "));
  });

  it("fires at a moment on this clock, never early, and in a later turn where it has passed", async () => {
    const clock = systemClock();
    for (const ms of [20, 0.5, 0, -1_000]) {
      const deadline = clock.now() + ms;
      let returned = false;
      const fired = new Promise<number>((resolve) => {
        clock.at(deadline, () => {
          assert.ok(returned);
          resolve(clock.now());
        });
      });
      returned = true;
      const late = (await fired) - deadline;
      assert.ok(late >= 0 && late < 60_000, `${ms} ms: ${late} ms late`);
    }
  });

  it("does not fire what was cancelled", async () => {
    const clock = systemClock();
    let fired = false;
    const timer = clock.after(5, () => {
      fired = true;
    });
    timer.cancel();
    timer.cancel();
    await sleep(clock, 20);
    assert.equal(fired, false);
  });

  it("fires a nearer timer that was set after a further one", async () => {
    const clock = systemClock();
    const far = clock.after(60_000, () => {});
    const start = clock.now();
    await sleep(clock, 10);
    assert.ok(clock.now() - start < 5_000);
    far.cancel();
  });

  it("runs what was asked for soon after this turn's work and before a timer that is due", async () => {
    const clock = systemClock();
    const order: string[] = [];
    const due = sleep(clock, 0).then(() => order.push("timer"));
    clock.soon(() => {
      order.push("soon");
      clock.soon(() => order.push("soon of soon"));
    });
    await Promise.resolve().then(() => order.push("microtask"));
    await due;
    await sleep(clock, 5);
    assert.deepEqual(order.slice(0, 2), ["microtask", "soon"]);
    assert.ok(order.includes("soon of soon"));
  });

  it("keeps the process alive for a pending timer and not for a cancelled one", async () => {
    const pending = await program(`clock.after(200, () => console.log("fired"));`);
    assert.equal(pending.output, "fired\n");
    const cancelled = await program(`const t = clock.after(190_000, () => {}); t.cancel();`);
    assert.ok(cancelled.ms < 90_000, `lived ${cancelled.ms} ms`);
    const again = await program(
      `clock.after(190_000, () => {}).cancel(); clock.after(100, () => console.log("fired"));`,
    );
    assert.equal(again.output, "fired\n");
    assert.ok(again.ms < 90_000, `lived ${again.ms} ms`);
  });

  it("goes on with the other timers and turns when one throws", async () => {
    const { output } = await program(`
      process.on("uncaughtException", (error) => console.log(error.message));
      clock.after(1, () => { throw new Error("timer") });
      clock.after(1, () => console.log("next timer"));
      clock.soon(() => { throw new Error("soon") });
      clock.soon(() => console.log("next soon"));
    `);
    assert.deepEqual(output.trim().split("\n").sort(), ["next soon", "next timer", "soon", "timer"]);
  });
});
