// The estimate of a flow that is not built yet: its arithmetic on small graphs, and how near it is to a run.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Build, estimateFlow, type Flow, flow, type Guesses } from "unum/flows";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const { work, other, spread } = Steps.method;
const COSTS = { routerUs: 10, workerUs: 10, syncMs: 1, tripMs: 0 };
const made = (build: (words: Build) => void) =>
  flow(
    "f",
    (words) => {
      build(words);
    },
    { input: ItemSchema },
  );
/** Of containers that work on any number at one time. */
const of = (declared: Flow<typeof ItemSchema>, { steps = {}, ...guesses }: Guesses) => {
  const many = Object.entries(steps).map(([name, guess]) => [name, { concurrency: 1e9, ...guess }]);
  return estimateFlow(declared.graph, { costs: COSTS, steps: Object.fromEntries(many), ...guesses });
};

describe("an estimate", () => {
  it("names what is full first: a step, an edge, the router, processors, what may be under way", () => {
    const chain = (concurrency: number, perSecond: number) =>
      made(({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", work, { concurrency }), { perSecond })
          .to(step("two", other))
          .to(sink("end"));
      });
    const steps = { one: { ms: 20 } };
    const slow = of(chain(4, 1_000), { steps });
    assert.deepEqual([slow.itemsPerSecond, slow.bounds[0]?.by], [200, "step 'one': 4 at one time"]);
    assert.equal(slow.stepsPerSecond, 400);
    // As components are where they say nothing: one call at a time in a container.
    const [first] = estimateFlow(chain(4, 1_000).graph, { costs: COSTS, steps, containers: 3 }).bounds;
    assert.deepEqual(first, { by: "step 'one': 3 at one time, in 3 containers", itemsPerSecond: 150 });
    assert.equal(of(chain(4, 50), { steps }).bounds[0]?.by, "edge source→one: 50 a second");
    const unlimited = chain(1e9, 1e9);
    // Two steps, each 10 µs of the router and 10 µs of two containers: 40 µs of two processors.
    assert.deepEqual(of(unlimited, {}).bounds[0], {
      by: "the router's thread",
      itemsPerSecond: 50_000,
    });
    const busy = of(unlimited, { steps: { one: { cpuMs: 2 } } });
    assert.match(busy.bounds[0]?.by ?? "", /^2 processors/);
    assert.ok(Math.abs(busy.itemsPerSecond - 2_000 / 2.04) < 1);
    // One at a time: three syncs and 20 ms.
    assert.equal(of(unlimited, { steps, inFlight: 1 }).itemsPerSecond, 1_000 / 23);
  });

  it("follows items through parts and joins, ways, loops and retries", () => {
    const fan = made(({ source, step, join, sink }) => {
      const part = source(ItemSchema).to(step("spread", spread)).to(step("each", other));
      join("together", { part }, ItemSchema, () => ({}))
        .to(step("last", work, { attempts: 2 }))
        .to(sink("end"));
    });
    const { visits, stepsPerSecond, itemsPerSecond } = of(fan, {
      steps: { spread: { parts: 100 }, last: { failures: 0.5 } },
    });
    assert.deepEqual([visits["each"], visits["together"], visits["last"], visits["end"]], [100, 100, 1, 0.75]);
    assert.ok(Math.abs(stepsPerSecond / itemsPerSecond - 102.5) < 1e-6);

    const loop = made(({ source, step, router, sink }) => {
      const again = step("again", work);
      const ways = source(ItemSchema)
        .to(again)
        .to(router("enough", ({ number }) => (number > 0 ? "yes" : "no")));
      ways.when("no").to(again, { atMost: 9 });
      ways.when("yes").to(sink("end"));
    });
    const round = of(loop, { shares: { "enough:no→again": 0.75 } });
    assert.ok(Math.abs((round.visits["again"] ?? 0) - 4) < 1e-6, String(round.visits["again"]));
    assert.ok(Math.abs((round.visits["end"] ?? 0) - 1) < 1e-6);
  });

  it("refuses guesses of what is not there", () => {
    const one = made(({ source, step, sink }) => {
      source(ItemSchema).to(step("one", work)).to(sink("end"));
    });
    assert.throws(() => of(one, { steps: { won: { ms: 1 } } }), /has no step 'won'; it has one/);
    assert.throws(() => of(one, { steps: { one: { failures: 2 } } }), /step 'one': .* failures between 0 and 1/);
    assert.throws(() => of(one, { shares: { "one→end": 0.5 } }), /no edge out of a router 'one→end'; it has none/);
  });
});

describe("an estimate beside a run", () => {
  // The router of every run, with workers and disk in virtual time: what else this computer does is not in it.
  const seen = async (declared: Flow<typeof ItemSchema>, items: readonly object[], places: number) => {
    const world = await flowWorld({ containers: 4, places, syncMs: 1 });
    const run = await world.run(declared);
    const before = world.world.clock.now();
    for (const item of items) void run.submit(item);
    await world.world.advance(1);
    await world.settled(run.close());
    await world.settled(run.finished);
    return (items.length * 1_000) / (world.world.clock.now() - before);
  };
  const near = (estimated: number, measured: number) => {
    const factor = Math.max(estimated / measured, measured / estimated);
    assert.ok(factor < FACTOR, `${estimated} estimated, ${measured} seen`);
  };
  const FACTOR = 1.3;

  it("is near it where one step is the narrow one, behind a fan-out", async () => {
    const waiting = made(({ source, step, join, sink }) => {
      const part = source(ItemSchema)
        .to(step("spread", spread))
        .to(step("each", work, { concurrency: 8 }));
      join("together", { part }, ItemSchema, ({ part: [item] }) => ({ name: item?.name ?? "" })).to(sink("end"));
    });
    const items = Array.from({ length: 80 }, (_, index) => ({ name: `i${index}`, number: 4, workMs: 50 }));
    const steps = { spread: { parts: 4, ms: 50 }, each: { ms: 50 } };
    near(of(waiting, { steps }).itemsPerSecond, await seen(waiting, items, 256));
  });

  it("is near it where attempts fail, and where an edge has a rate", async () => {
    const limited = (perSecond: number) =>
      made(({ source, step, sink }) => {
        source(ItemSchema)
          .to(step("one", work, { concurrency: 5, attempts: 3, backoffMs: [1, 1] }), { perSecond })
          .to(sink("end"));
      });
    // Every item fails twice: three attempts each, of which two thirds fail.
    const failing = Array.from({ length: 120 }, (_, index) => ({ name: `i${index}`, fails: 2, workMs: 20 }));
    const guess = of(limited(1e6), { steps: { one: { ms: 20 } } });
    near(guess.itemsPerSecond / 3, await seen(limited(1e6), failing, 256));
    const easy = failing.map((item) => ({ ...item, fails: 0 }));
    near(of(limited(40), { steps: { one: { ms: 20 } } }).itemsPerSecond, await seen(limited(40), easy, 256));
  });

  it("is near it where few may be under way", async () => {
    const chain = made(({ source, step, sink }) => {
      source(ItemSchema).to(step("one", work)).to(step("two", work)).to(sink("end"));
    });
    const items = Array.from({ length: 60 }, (_, index) => ({ name: `i${index}`, workMs: 20 }));
    const steps = { one: { ms: 20 }, two: { ms: 20 } };
    // Three places, each busy for 20 ms at each of two steps.
    near(of(chain, { steps, inFlight: 3 }).itemsPerSecond, await seen(chain, items, 3));
  });
});
