// What edges and steps are told to keep to: how much may wait, how long, how fast, in which order; and what operators may do meanwhile.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EdgeOptions, flow, runFlow, type Settling, type StepOptions, type Work, type Workers } from "unum/flows";
import { seededRandom } from "../../src/base/random.ts";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const { work, other } = Steps.method;

function single(edge: EdgeOptions = {}, options: StepOptions<typeof ItemSchema> = {}) {
  return flow(
    "single",
    ({ source, step, sink }) => {
      source(ItemSchema)
        .to(step("one", work, options), edge)
        .to(sink("end"));
    },
    { input: ItemSchema },
  );
}

describe("an edge", () => {
  it("that is full holds back who submits, and lets in one for each that leaves", async () => {
    const world = await flowWorld();
    const run = await world.run(single({ capacity: 5 }));
    await world.settled(run.pause());
    let taken = 0;
    for (let number = 0; number < 12; number++) void run.submit({ name: `i${number}` }).then(() => taken++);
    await world.world.advance(1_000);
    assert.equal(taken, 5);
    // Live: more room at once.
    await world.settled(run.limits("source→one", { capacity: 8 }));
    await world.world.advance(1_000);
    assert.equal(taken, 8);
    await world.settled(run.resume());
    await world.world.advance(1_000);
    assert.equal(taken, 12);
  });

  it("holds back the step before it while it is full", async () => {
    const world = await flowWorld({ places: 3 });
    const run = await world.run(
      flow(
        "two",
        ({ source, step, sink }) => {
          source(ItemSchema)
            .to(step("fast", other))
            .to(step("slow", work, { concurrency: 1 }), { capacity: 3 })
            .to(sink("end"));
        },
        { input: ItemSchema },
      ),
    );
    for (let number = 0; number < 20; number++) await world.settled(run.submit({ name: `i${number}`, workMs: 500 }));
    let most = 0;
    for (let moment = 0; moment < 40; moment++) {
      await world.world.advance(100);
      most = Math.max(most, run.progress.edges.find(({ name }) => name === "fast→slow")?.items ?? 0);
    }
    assert.equal(most, 3);
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
  });

  it("lets no more begin in a second than it says", async () => {
    const world = await flowWorld();
    const run = await world.run(single({ perSecond: 10 }));
    for (let number = 0; number < 100; number++) await world.settled(run.submit({ name: `i${number}` }));
    const before = world.outputs.length;
    await world.world.advance(3_000);
    const passed = world.outputs.length - before;
    assert.ok(passed >= 28 && passed <= 42, `${passed} in three seconds`);
  });

  it("of higher priority goes first", async () => {
    const world = await flowWorld({ places: 1 });
    const run = await world.run(
      flow(
        "ranks",
        ({ source, step, router, sink }) => {
          const one = step("one", work);
          const ways = source(ItemSchema).to(router("rank", ({ number }) => (number > 5 ? "high" : "low")));
          ways.when("low").to(one);
          ways.when("high").to(one, { priority: 9 }).to(sink("end"));
        },
        { input: ItemSchema },
      ),
    );
    await world.settled(run.pause());
    for (const number of [1, 2, 8, 3, 9]) await world.settled(run.submit({ name: `${number}`, number }));
    await world.settled(run.resume());
    await world.settled(run.close());
    await world.settled(run.finished);
    assert.deepEqual(world.came("end"), ["8", "9", "1", "2", "3"]);
  });

  it("lets expire what waited too long, and a step what was not started in time", async () => {
    for (const [flowOf, state] of [
      [single({ expiryMs: 500 }), "expired"],
      [single({}, { startWithinMs: 500 }), "dead"],
    ] as const) {
      const world = await flowWorld();
      const run = await world.run(flowOf);
      await world.settled(run.pause());
      const id = await world.settled(run.submit({ name: "x" }));
      await world.world.advance(2_000);
      const status = await world.settled(run.status(id));
      assert.equal(status?.state, state);
      assert.match(status?.reason ?? "", /500 ms/);
    }
  });

  it("whose durability is none goes on from where the item was last written", async () => {
    const world = await flowWorld();
    const loose = flow(
      "loose",
      ({ source, step, sink }) => {
        source(ItemSchema).to(step("one", other)).to(step("two", work), { durability: "none" }).to(sink("end"));
      },
      { input: ItemSchema },
    );
    const run = await world.run(loose, "run", 0);
    await world.settled(run.submit({ name: "x", workMs: 300 }));
    await world.world.advance(450);
    const again = await world.run(loose, "run", 1);
    await world.settled(again.close());
    assert.equal(await world.settled(again.finished), "done");
    assert.equal(new Set(world.outputs.map(({ task }) => task)).size, 1);
  });
});

describe("an operator", () => {
  it("cancels an item with its parts, and the worker is told", async () => {
    const world = await flowWorld();
    const run = await world.run(single());
    const id = await world.settled(run.submit({ name: "x", workMs: 60_000 }));
    await world.world.advance(100);
    await world.settled(run.cancelTask(id, "not wanted"));
    await world.settled(run.close());
    assert.equal(await world.settled(run.finished), "done");
    assert.deepEqual(
      [(await world.settled(run.status(id)))?.state, (await world.settled(run.status(id)))?.reason],
      ["cancelled", "not wanted"],
    );
    await world.world.advance(120_000);
    assert.deepEqual(world.outputs, []);
  });

  it("cancels a run, and it takes nothing in any more", async () => {
    const world = await flowWorld();
    const run = await world.run(single());
    await world.settled(run.limits("source→one", { capacity: 5 }));
    for (let number = 0; number < 5; number++) await world.settled(run.submit({ name: `i${number}`, workMs: 10_000 }));
    const waiting = Array.from({ length: 3 }, () =>
      assert.rejects(run.submit({ name: "waits for room" }), { code: "cancelled", message: /enough/ }),
    );
    await world.settled(run.cancel("enough"));
    await world.settled(Promise.all(waiting));
    assert.equal(await world.settled(run.finished), "cancelled");
    await assert.rejects(world.settled(run.submit({ name: "late" })), { code: "cancelled" });
  });

  it("replays an item from a step, as a new one", async () => {
    const world = await flowWorld();
    const run = await world.run(single());
    const id = await world.settled(run.submit({ name: "x", number: 7 }));
    await world.world.advance(1_000);
    const again = await world.settled(run.replay(id, "one"));
    await world.world.advance(1_000);
    assert.deepEqual(
      world.outputs.map(({ task, value }) => [task, value.number]),
      [
        [id, 7],
        [again, 7],
      ],
    );
    await assert.rejects(world.settled(run.replay(id, "two")), {
      code: "invalid",
      message: /no step 'two'; it has 'one'/,
    });
    await assert.rejects(world.settled(run.replay(99, "one")), { code: "not-found" });
    await assert.rejects(world.settled(run.limits("source→two", { capacity: 1 })), { code: "invalid" });
    await assert.rejects(world.settled(run.limits("source→one", { capacty: 1 })), {
      code: "invalid",
      message: /no 'capacty'/,
    });
  });
});

/** Workers that do as the test says: what a step may do wrong. */
class Hands implements Workers {
  readonly places = 10;
  onPlaces = (): void => {};
  readonly given: { readonly work: Work; readonly settling: Settling }[] = [];
  readonly withdrawn: Work[] = [];
  perform(works: readonly Work[], settling: Settling): void {
    for (const each of works) {
      this.given.push({ work: each, settling });
      settling.began(each);
    }
  }
  room(): number {
    return Number.POSITIVE_INFINITY;
  }
  withdraw(each: Work): void {
    this.withdrawn.push(each);
  }
  serves(): undefined {}
  async close(): Promise<void> {}
}

async function withHands(options: StepOptions<typeof ItemSchema>) {
  const world = await flowWorld();
  const hands = new Hands();
  const parts = {
    env: { clock: world.world.clock, random: seededRandom(1) },
    journals: world.journals,
    workers: hands,
  };
  const run = await world.settled(runFlow(single({}, options), parts));
  const id = await world.settled(run.submit({ name: "x" }));
  await world.world.advance(10);
  return { world, hands, run, id };
}

describe("a step", () => {
  it("that reports lives on, one that falls silent is tried again, and its late outcome changes nothing", async () => {
    const { world, hands, run, id } = await withHands({ heartbeatMs: 100, attempts: 2, backoffMs: [10, 10] });
    const [first] = hands.given;
    for (let beat = 0; beat < 5; beat++) {
      await world.world.advance(80);
      first?.settling.reported(first.work, 0.2 * beat, `page ${beat}`);
    }
    const status = await world.settled(run.status(id));
    assert.deepEqual([status?.state, status?.attempt, status?.note], ["running", 1, "page 4"]);
    await world.world.advance(150);
    assert.deepEqual(hands.withdrawn, [first?.work]);
    assert.equal(hands.given.length, 2);
    first?.settling.settled(first.work, { kind: "done", values: [new Uint8Array()] });
    await world.world.advance(10);
    assert.deepEqual([run.progress.late, (await world.settled(run.status(id)))?.attempt], [1, 2]);
  });

  it("that is 200 % done is done, and one at less than nothing has not begun", async () => {
    const { world, hands, run, id } = await withHands({});
    const [first] = hands.given;
    for (const [said, shown] of [
      [2, 1],
      [-3, 0],
      [Number.NaN, undefined],
      [0.5, 0.5],
    ] as const) {
      first?.settling.reported(first.work, said, "");
      assert.equal((await world.settled(run.status(id)))?.progress, shown);
    }
  });

  it("that puts out what is no message leaves its item to be looked at", async () => {
    const { world, hands, run, id } = await withHands({ attempts: 1 });
    const [first] = hands.given;
    first?.settling.settled(first.work, { kind: "failed", reason: "invalid: not a message", final: true });
    await world.world.advance(10);
    const status = await world.settled(run.status(id));
    assert.deepEqual([status?.state, status?.reason], ["dead", "invalid: not a message"]);
    assert.equal(await world.settled(run.status(77)), undefined);
  });
});
