// What is undone where an item ends without a result: which steps, in which order, how often, and what its status says meanwhile.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flow, historyOf } from "unum/flows";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { type FlowWorld, flowWorld } from "./flow-world.ts";

const { work, other, spread, undo } = Steps.method;
const backoffMs = [10, 20] as const;

/** The third step fails as often as the item says. */
const chain = flow(
  "chain",
  ({ source, step, sink }) => {
    source(ItemSchema)
      .to(step("one", other, { undo }))
      .to(step("two", other, { undo, attempts: 2, backoffMs }))
      .to(step("three", work, { attempts: 2, backoffMs }))
      .to(sink("end"));
  },
  { input: ItemSchema },
);

async function historyIn(world: FlowWorld, task: number) {
  const history = await world.settled(world.journals.read("run").then((reader) => historyOf(reader, task)));
  assert.deepEqual(
    history.map(({ sequence }) => sequence),
    history.map((_, index) => index + 1),
  );
  return history.map(({ state, at }) => `${state} at ${at}`);
}

describe("steps of an item that ends without a result", () => {
  it("are undone, the last one first, and those of other items are not", async () => {
    const world = await flowWorld();
    const run = await world.run(chain);
    await world.settled(run.submit({ name: "good" }));
    const bad = await world.settled(run.submit({ name: "bad", fails: 9 }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    assert.deepEqual(world.ran.undone, ["bad: other other", "bad: other"]);
    assert.deepEqual(world.came("end"), ["good"]);
    const { items, ended, dead, undone, undoing } = run.progress;
    assert.deepEqual({ items, ended, dead, undone, undoing }, { items: 2, ended: 2, dead: 0, undone: 1, undoing: 0 });
    const status = await world.settled(run.status(bad));
    assert.deepEqual([status?.state, status?.at], ["undone", "one"]);
    assert.match(status?.reason ?? "", /told to fail 9 times, this is attempt 2/);
    assert.deepEqual((await historyIn(world, bad)).slice(-5), [
      "failed at three",
      "dead at three",
      "undoing at two",
      "undoing at one",
      "undone at one",
    ]);
    await assert.rejects(world.settled(run.retry(bad)), /not among the dead|is undone/);
  });

  it("are undone where their item or their whole run is cancelled, and where it expires", async () => {
    const world = await flowWorld();
    const waiting = flow(
      "waiting",
      ({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", other, { undo }))
          .to(step("two", work), { expiryMs: 5_000, perSecond: 0.01 })
          .to(sink("end"));
      },
      { input: ItemSchema },
    );
    const run = await world.run(waiting);
    await world.settled(run.submit({ name: "first" }));
    const second = await world.settled(run.submit({ name: "second" }));
    await world.settled(run.submit({ name: "third" }));
    await world.world.advance(1_000);
    await world.settled(run.cancelTask(second, "not wanted"));
    await world.world.advance(1_000);
    assert.deepEqual(world.ran.undone, ["second: other"]);
    await world.world.advance(5_000);
    assert.deepEqual(world.ran.undone, ["second: other", "third: other"]);
    await world.settled(run.submit({ name: "fourth" }));
    await world.world.advance(1_000);
    await world.settled(run.cancel("enough"));
    assert.equal(await world.settled(run.finished), "cancelled");
    assert.deepEqual(world.ran.undone, ["second: other", "third: other", "fourth: other"]);
    const { tasks } = await world.settled(run.states({ states: ["undone"] }));
    assert.deepEqual(
      tasks.map(({ reason }) => reason),
      ["not wanted", "waited longer than 5000 ms on one→two", "enough"],
    );
  });

  it("are those of all its parts", async () => {
    const world = await flowWorld({ containers: 1 });
    const parts = flow(
      "parts",
      ({ source, step, join, sink }) => {
        const part = source(ItemSchema)
          .to(step("first", other, { undo }))
          .to(step("spread", spread))
          .to(step("each", other, { undo, concurrency: 1 }));
        join("together", { part }, ItemSchema, ({ part: [item] }) => ({ name: item?.name ?? "" }))
          .to(step("last", work, { attempts: 1 }))
          .to(sink("end"));
      },
      { input: ItemSchema },
    );
    const run = await world.run(parts);
    await world.settled(run.submit({ name: "i", number: 3 }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.deepEqual(world.ran.undone, []);

    const failing = await flowWorld({ containers: 1 });
    const second = await failing.run(
      flow(
        "parts",
        ({ source, step, join, sink }) => {
          const part = source(ItemSchema)
            .to(step("first", other, { undo }))
            .to(step("spread", spread))
            .to(step("each", other, { undo, concurrency: 1 }));
          join("together", { part }, ItemSchema, () => {
            throw new RangeError("no two of them fit");
          }).to(sink("end"));
        },
        { input: ItemSchema },
      ),
    );
    await failing.settled(second.submit({ name: "i", number: 3 }));
    await failing.settled(second.close());
    assert.equal(await failing.settled(second.finished), "failed");
    assert.deepEqual(failing.ran.undone, [
      "i.2: other spread other",
      "i.1: other spread other",
      "i.0: other spread other",
      "i: other",
    ]);
  });

  it("that cannot be undone leave the item dead, and a retry goes on from there", async () => {
    const world = await flowWorld();
    world.ran.undoFails = 3;
    const run = await world.run(chain);
    const task = await world.settled(run.submit({ name: "bad", fails: 9 }));
    await world.world.advance(60_000);
    const dead = await world.settled(run.status(task));
    assert.deepEqual([dead?.state, dead?.at], ["dead", "two"]);
    assert.match(dead?.reason ?? "", /^step 'two' is not undone: RangeError: told not to undo 3 times$/);
    assert.equal(run.progress.dead, 1);
    await world.settled(run.retry(task));
    await world.world.advance(60_000);
    // 'two' went at its second attempt; 'one' has three attempts, and all of them are told to fail.
    assert.deepEqual(world.ran.undone, ["bad: other other"]);
    assert.deepEqual((await world.settled(run.status(task)))?.at, "one");
    await world.settled(run.retry(task));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    assert.deepEqual(world.ran.undone, ["bad: other other", "bad: other"]);
    assert.deepEqual([run.progress.dead, run.progress.undone, run.progress.ended], [0, 1, 1]);
  });

  it("are undone once each when the router is killed in between, but for the one that was under way", async () => {
    for (let killedAfterMs = 0; killedAfterMs < 400; killedAfterMs += 37) {
      const world = await flowWorld();
      const run = await world.run(chain);
      // 100 ms each: three steps that are done or fail, two that are undone.
      await world.settled(run.submit({ name: "bad", fails: 9, workMs: 50 }));
      await world.settled(run.close());
      await world.world.advance(killedAfterMs);
      const next = await world.run(chain, "run", 1);
      assert.equal(await world.settled(next.finished), "failed");
      assert.equal(next.progress.undone, 1);
      const distinct = world.ran.undone.filter((each, index, all) => all.indexOf(each) === index);
      assert.deepEqual(distinct, ["bad: other other", "bad: other"], `killed after ${killedAfterMs} ms`);
      assert.ok(world.ran.undone.length <= 3, world.ran.undone.join(", "));
    }
  });
});

describe("a declaration", () => {
  it("refuses an undo that does not fit what its step puts out, or a step that puts out many", () => {
    const report = Steps.method.report;
    assert.throws(
      () =>
        flow("f", ({ source, step, sink }) => {
          // @ts-expect-error: the types say so too.
          const one = step("one", work, { undo: report });
          source(ItemSchema).to(one).to(sink("end"));
        }),
      /step 'one' puts out unum\.test\.v1\.Item, and its undo 'Report' takes unum\.test\.v1\.Sum/,
    );
    assert.throws(
      () =>
        flow("f", ({ source, step, sink }) => {
          source(ItemSchema)
            .to(step("one", spread, { undo }))
            .to(sink("end"));
        }),
      /step 'one' puts out any number of items: it cannot be undone/,
    );
  });
});
