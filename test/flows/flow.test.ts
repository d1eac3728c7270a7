// A flow from its source to its sinks: chains, routes, parts and joins, loops, batches, what fails and what is stopped.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Flow, flow } from "unum/flows";
import { ItemSchema, Steps, SumSchema } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const { work, other, spread, report } = Steps.method;

const chain = flow("chain", ({ source, step, sink }) => {
  source(ItemSchema).to(step("one", work)).to(step("two", other)).to(step("three", work)).to(sink("end"));
});

describe("a flow", () => {
  it("takes each item through its steps in order", async () => {
    const world = await flowWorld();
    const run = await world.run(chain);
    for (let number = 0; number < 20; number++) await world.settled(run.submit({ name: `i${number}` }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.equal(world.outputs.length, 20);
    for (const { value } of world.outputs) assert.equal(value.trail, "work other work ");
    const { nodes, items, ended } = run.progress;
    assert.deepEqual(
      nodes.map(({ name, done }) => [name, done]),
      [
        ["source", 20],
        ["one", 20],
        ["two", 20],
        ["three", 20],
        ["end", 20],
      ],
    );
    assert.deepEqual([items, ended], [20, 20]);
  });

  it("sends each item the way that its router says, and ends what has no way as dead, with the answer", async () => {
    const world = await flowWorld();
    const routed = flow("routed", ({ source, step, router, sink }) => {
      const ways = source(ItemSchema)
        .to(step("one", work))
        .to(router("parity", ({ number }) => (number === 7 ? "odd one" : number % 2 === 0 ? "even" : "odd")));
      ways.when("even").to(step("two", other)).to(sink("even"));
      ways.when("odd").to(sink("odd"));
    });
    const run = await world.run(routed);
    for (let number = 1; number < 9; number++) await world.settled(run.submit({ name: `i${number}`, number }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    assert.deepEqual(world.came("even").sort(), ["i2", "i4", "i6", "i8"]);
    assert.deepEqual(world.came("odd").sort(), ["i1", "i3", "i5"]);
    const { tasks } = await world.settled(run.states({ states: ["dead"] }));
    assert.deepEqual(
      tasks.map(({ reason }) => reason),
      ["router 'parity' answered 'odd one'; its ways are 'even', 'odd'"],
    );
  });

  it("splits an item over branches and joins what they make of it", async () => {
    const world = await flowWorld();
    const run = await world.run(diamond("fail"));
    for (let number = 0; number < 10; number++) await world.settled(run.submit({ name: `i${number}`, number }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.equal(world.outputs.length, 10);
    // Each is the whole item again, under its own number.
    assert.deepEqual(world.outputs.map(({ task }) => task).sort((a, b) => a - b)[0], 1);
  });

  it("joins as many parts as a step put out, also none", async () => {
    const world = await flowWorld();
    const run = await world.run(spreading);
    for (const number of [0, 1, 5]) await world.settled(run.submit({ name: `i${number}`, number }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    const sums = world.outputs.map(({ value }) => value as unknown as { items: number; total: number });
    assert.deepEqual(sums.map(({ items, total }) => [items, total]).sort(), [
      [0, 0],
      [1, 0],
      [5, 10],
    ]);
  });

  it("joins what the whole run brings, by key, once nothing more can come", async () => {
    const world = await flowWorld();
    const grouped = flow("grouped", ({ source, step, join, sink }) => {
      const worked = source(ItemSchema).to(step("one", work));
      const groups = join(
        "by parity",
        { worked },
        SumSchema,
        ({ worked: items }, { key }) => ({
          name: key,
          items: items.length,
          total: items.reduce((sum, item) => sum + item.number, 0),
        }),
        { of: "run", by: ({ number }) => (number % 2 === 0 ? "even" : "odd") },
      );
      groups.to(step("report", report)).to(sink("groups"));
    });
    const run = await world.run(grouped);
    for (let number = 1; number <= 5; number++) await world.settled(run.submit({ name: `i${number}`, number }));
    await world.world.advance(5_000);
    assert.equal(world.outputs.length, 0);
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.deepEqual(
      world.outputs.map(({ value }) => [value.name, (value as unknown as { total: number }).total]).sort(),
      [
        ["even", 6],
        ["odd", 9],
      ],
    );
  });

  it("goes round a loop as often as its bound says", async () => {
    const world = await flowWorld();
    const loop = flow("loop", ({ source, step, router, sink }) => {
      const again = step("one", work);
      const ways = source(ItemSchema)
        .to(again)
        .to(router("enough", ({ trail, number }) => (trail.split(" ").length > number ? "yes" : "no")));
      ways.when("yes").to(sink("end"));
      ways.when("no").to(again, { atMost: 3 });
    });
    const run = await world.run(loop);
    await world.settled(run.submit({ name: "three", number: 3 }));
    await world.settled(run.submit({ name: "nine", number: 9 }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    assert.deepEqual(world.came("end"), ["three"]);
    const { tasks } = await world.settled(run.states({ states: ["dead"] }));
    assert.equal(tasks[0]?.reason, "went along enough:no→one 3 times, its bound");
  });

  it("gathers batches by number and by time", async () => {
    const world = await flowWorld();
    const batched = flow("batched", ({ source, batch, sink }) => {
      source(ItemSchema)
        .to(
          batch(
            "threes",
            ItemSchema,
            SumSchema,
            (items) => ({ name: items.map(({ name }) => name).join(""), items: items.length }),
            {
              items: 3,
              withinMs: 1_000,
            },
          ),
        )
        .to(sink("batches"));
    });
    const run = await world.run(batched);
    for (const name of "abcdefgh") await world.settled(run.submit({ name }));
    await world.world.advance(100);
    assert.deepEqual(world.came("batches"), ["abc", "def"]);
    await world.world.advance(1_500);
    assert.deepEqual(world.came("batches"), ["abc", "def", "gh"]);
    await world.settled(run.submit({ name: "i" }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.deepEqual(world.came("batches").at(-1), "i");
  });

  it("runs a flow within a flow, its nodes under its name", async () => {
    const world = await flowWorld();
    const inner = flow("inner", ({ source, step }) => source(ItemSchema).to(step("a", work)).to(step("b", other)), {
      input: ItemSchema,
    });
    const outer = flow("outer", ({ source, sub, step, sink }) => {
      source(ItemSchema).to(step("first", work)).to(sub("twice", inner)).to(sub("again", inner)).to(sink("end"));
    });
    assert.deepEqual(
      new Set(outer.graph.nodes.map(({ name }) => name)),
      new Set(["source", "first", "twice/a", "twice/b", "again/a", "again/b", "end"]),
    );
    const run = await world.run(outer);
    await world.settled(run.submit({ name: "x" }));
    await world.settled(run.close());
    await world.settled(run.finished);
    assert.equal(world.outputs[0]?.value.trail, "work work other work other ");
    // It stands alone as well.
    assert.deepEqual(
      inner.graph.nodes.map(({ name }) => name),
      ["source", "a", "b", "out"],
    );
  });
});

describe("what fails in a flow", () => {
  it("is tried again after growing pauses, and ends as dead with the last reason", async () => {
    const world = await flowWorld();
    const run = await world.run(
      flow("retried", ({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", work, { attempts: 3, backoffMs: [100, 1_000] }))
          .to(sink("end"));
      }),
    );
    await world.settled(run.submit({ name: "twice", fails: 2 }));
    const lost = await world.settled(run.submit({ name: "always", fails: 9 }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    assert.deepEqual(world.came("end"), ["twice"]);
    assert.equal(world.ran.attempts.get("always/work"), 3);
    const status = await world.settled(run.status(lost));
    assert.equal(status?.state, "dead");
    assert.equal(status?.reason, "RangeError: told to fail 9 times, this is attempt 3");
  });

  it("is told change by change, without a gap, to who follows it", async () => {
    const world = await flowWorld();
    const run = await world.run(
      flow("followed", ({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", work, { attempts: 2 }))
          .to(step("two", other))
          .to(sink("end"));
      }),
    );
    await world.settled(run.pause());
    const id = await world.settled(run.submit({ name: "x", fails: 1 }));
    const seen: string[] = [];
    const sequences: number[] = [];
    const following = (async () => {
      for await (const { state, at, sequence } of run.statusFor(id)) {
        seen.push(`${at} ${state}`);
        sequences.push(sequence);
      }
    })();
    await world.settled(run.resume());
    await world.settled(following);
    assert.deepEqual(seen, [
      ...["one waiting", "one leased", "one failed", "one retrying", "one waiting", "one leased"],
      ...["two waiting", "two leased", "two done"],
    ]);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => (sequences[0] ?? 0) + index),
    );
  });

  it("is stopped at its time, and a late outcome changes nothing", async () => {
    const world = await flowWorld();
    const run = await world.run(
      flow("timed", ({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", work, { attempts: 1, timeoutMs: 50 }))
          .to(sink("end"));
      }),
    );
    const id = await world.settled(run.submit({ name: "slow", workMs: 500 }));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "failed");
    await world.world.advance(2_000);
    assert.deepEqual(world.came("end"), []);
    assert.match((await world.settled(run.status(id)))?.reason ?? "", /within 50 ms|expired/);
  });

  for (const lost of ["skip", "fail", "substitute"] as const) {
    it(`does to its join what the join's policy says: ${lost}`, async () => {
      const world = await flowWorld();
      const run = await world.run(diamond(lost));
      await world.settled(run.submit({ name: "bad", number: 4, fails: 9 }));
      await world.settled(run.close());
      assert.equal(await world.settled(run.finished), "failed");
      const [sum] = world.outputs.map(
        ({ value }) => value as unknown as { items: number; total: number; lost: number },
      );
      if (lost === "fail") assert.equal(sum, undefined);
      else assert.deepEqual([sum?.items, sum?.total, sum?.lost], lost === "skip" ? [1, 4, 1] : [2, 4 + 99, 1]);
    });
  }

  it("keeps its join waiting, where the policy says so, until somebody retries it", async () => {
    const world = await flowWorld();
    const run = await world.run(diamond("wait"));
    await world.settled(run.submit({ name: "bad", number: 4, fails: 1 }));
    await world.settled(run.close());
    await world.world.advance(60_000);
    assert.ok(run.isBlocked);
    const { tasks } = await world.settled(run.states({ states: ["dead"] }));
    assert.equal(tasks.length, 1);
    await world.settled(run.retry(tasks[0]?.task ?? 0));
    assert.equal(await world.settled(run.finished), "done");
    assert.equal(world.outputs.length, 1);
  });

  it("takes its item with it when a part of a part fails, and gives it back when that is retried", async () => {
    const world = await flowWorld();
    const run = await world.run(diamond("fail"));
    await world.settled(run.submit({ name: "bad", number: 4, fails: 1 }));
    await world.world.advance(5_000);
    const dead = await world.settled(run.states({ states: ["dead"] }));
    assert.equal(dead.tasks.length, 2);
    const part = dead.tasks.find(({ at }) => at === "left");
    await world.settled(run.retry(part?.task ?? 0));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.equal(world.outputs.length, 1);
  });
});

/** left fails as told, with one attempt; right does its work. */
function diamond(lost: "skip" | "fail" | "substitute" | "wait"): Flow<typeof ItemSchema> {
  return flow("diamond", ({ source, step, join, sink }) => {
    const begun = source(ItemSchema);
    const left = begun.to(step("left", work, { attempts: 1 }));
    const right = begun.to(step("right", other));
    join(
      "both",
      { left, right },
      SumSchema,
      (parts, info) => {
        const all = [...parts.left, ...parts.right];
        return { items: all.length, total: all.reduce((sum, { number }) => sum + number, 0), lost: info.lost };
      },
      { lost, substitute: { left: { number: 99 } } },
    ).to(sink("end"));
  });
}

const spreading = flow("spreading", ({ source, step, join, sink }) => {
  const parts = source(ItemSchema).to(step("spread", spread)).to(step("one", work));
  join("all", { parts }, SumSchema, ({ parts: all }) => ({
    items: all.length,
    total: all.reduce((sum, { number }) => sum + number, 0),
  })).to(sink("end"));
});
