// The time that a whole run may take, over all of its routers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const slow = flow(
  "slow",
  ({ source, step, sink }) => {
    source(ItemSchema)
      .to(step("one", Steps.method.work, { timeoutMs: 3_600_000 }))
      .to(sink("end"));
  },
  { input: ItemSchema },
);

describe("a run that may take a minute", () => {
  it("is cancelled when it has taken longer, also by the router that goes on with it, and not before", async () => {
    const world = await flowWorld();
    const run = await world.run(slow, "run", 0, { withinMs: 60_000 });
    await world.settled(run.submit({ name: "quick", workMs: 10 }));
    await world.settled(run.submit({ name: "long", workMs: 3_000_000 }));
    await world.world.advance(40_000);
    const next = await world.run(slow, "run", 1);
    await world.world.advance(15_000);
    assert.equal(next.progress.finished, undefined);
    await world.world.advance(10_000);
    assert.equal(await world.settled(next.finished), "cancelled");
    assert.equal(next.progress.cancelled, "the run has taken longer than the 60000 ms it may");
    const { states } = next.progress;
    assert.deepEqual([states.done, states.cancelled], [1, 1]);
  });

  it("is left alone where it is over in time", async () => {
    const world = await flowWorld();
    const run = await world.run(slow, "run", 0, { withinMs: 60_000 });
    await world.settled(run.submit({ name: "quick" }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    await world.world.advance(600_000);
    assert.equal(run.progress.finished, "done");
  });

  it("is refused where its time is none", async () => {
    const world = await flowWorld();
    await assert.rejects(world.run(slow, "run", 0, { withinMs: -1 }), /a run within -1 ms/);
  });
});
