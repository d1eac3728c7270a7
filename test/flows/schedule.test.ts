// Items by the clock, 30 days of them in virtual time, over routers that die.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flow } from "unum/flows";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const HOUR_MS = 60 * 60_000;

const daily = flow(
  "daily",
  ({ source, step, sink }) => {
    source(ItemSchema).to(step("one", Steps.method.work)).to(sink("end"));
  },
  { input: ItemSchema },
);

describe("a schedule", { timeout: 120_000 }, () => {
  it("brings one item for each moment, for 30 days", async () => {
    const world = await flowWorld();
    const run = await world.run(daily);
    run.schedule({ name: "six", pattern: "0 6 * * *", item: (dueAt) => ({ name: dueAt.toISOString() }) });
    await world.world.advance(30 * 24 * HOUR_MS);
    assert.equal(world.outputs.length, 30);
    assert.equal(world.came("end")[0], "2024-01-01T06:00:00.000Z");
    assert.equal(world.came("end")[29], "2024-01-30T06:00:00.000Z");
  });

  it("fires once for what was missed while no router ran, and never twice for one moment", async () => {
    const world = await flowWorld();
    const six = { name: "six", pattern: "0 6 * * *", item: (dueAt: Date) => ({ name: dueAt.toISOString() }) };
    const run = await world.run(daily, "run", 0);
    run.schedule(six);
    await world.world.advance(7 * HOUR_MS);
    assert.deepEqual(world.came("end"), ["2024-01-01T06:00:00.000Z"]);
    await world.settled(run.stop());
    await world.world.advance(72 * HOUR_MS);
    const again = await world.run(daily, "run", 1);
    again.schedule(six);
    await world.world.advance(HOUR_MS);
    assert.deepEqual(world.came("end"), ["2024-01-01T06:00:00.000Z", "2024-01-02T06:00:00.000Z"]);
    await world.world.advance(24 * HOUR_MS);
    assert.equal(world.outputs.length, 3);
  });

  it("whose pattern is none is refused, with the pattern", async () => {
    const world = await flowWorld();
    const run = await world.run(daily);
    assert.throws(() => run.schedule({ name: "bad", pattern: "every day", item: () => ({}) }), {
      code: "invalid",
      message: /schedule 'bad': 'every day' is no pattern/,
    });
  });
});
