// Bad days by seed: routers that die in the midst of it, containers that crash, a network that loses, cuts and delays. Whatever
// happens, every item comes to its end once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flow } from "unum/flows";
import { faultPlan } from "unum/testing";
import { seededRandom } from "../../src/base/random.ts";
import { ItemSchema, Steps, SumSchema } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const { work, other, spread, report } = Steps.method;

const SEEDS = Math.min(Number(process.env["UNUM_SEEDS"] ?? 12), 1_500);
const ITEMS = 60;

/** Every kind of node; steps that are tried until they work. */
const everything = flow(
  "everything",
  ({ source, step, router, join, batch, sink }) => {
    const patient = { attempts: 1_000, timeoutMs: 2_000, backoffMs: [10, 200] as const };
    const begun = source(ItemSchema).to(step("begin", work, patient));
    const left = begun.to(step("left", other, patient));
    const parts = begun.to(step("spread", spread, patient)).to(step("part", other, patient));
    const gathered = join("gathered", { parts }, ItemSchema, ({ parts: all }) => ({ number: all.length }));
    const whole = join("whole", { left, gathered }, SumSchema, ({ left: [a], gathered: [b] }) => ({
      name: a?.name ?? "",
      items: b?.number ?? 0,
      total: a?.number ?? 0,
    }));
    const ways = whole
      .to(step("report", report, patient))
      .to(router("size", ({ items }) => (items > 2 ? "many" : "few")));
    ways.when("many").to(sink("many"));
    ways
      .when("few")
      .to(batch("batch", SumSchema, SumSchema, (all) => ({ items: all.length }), { items: 5, withinMs: 100 }))
      .to(sink("fives"));
  },
  { input: ItemSchema },
);

async function badDay(seed: number) {
  const random = seededRandom(seed);
  const faults = faultPlan(random, {
    ...{ containers: ["k1", "k2", "k3"], clients: ["c1", "c2", "c3", "c4"], untilMs: 3_000, count: 12 },
    kinds: ["crash", "loss", "cut", "delay", "pause", "slow", "duplicates", "partition"],
  });
  const world = await flowWorld({
    seed,
    containers: 3,
    faults,
    syncMs: 1 + random.below(5),
    places: 1 + random.below(40),
  });
  let run = await world.run(everything, "run", 0);
  let submitted = 0;
  let deaths = 0;
  for (let moment = 0; moment < 8; moment++) {
    const feeding = (async () => {
      const until = Math.min(ITEMS, submitted + 12);
      for (let item = submitted; item < until; item++) {
        const value = { name: `i${item}`, number: item % 5, fails: item % 7 === 0 ? 1 : 0 };
        await run.submit(value, { key: `i${item}` });
        submitted = Math.max(submitted, item + 1);
      }
    })();
    // Who submits to a router that dies is told, and submits again with the same key.
    feeding.catch(() => {});
    await world.world.advance(random.below(600));
    if (random.below(2) === 0) continue;
    deaths++;
    run = await world.run(everything, "run", deaths % 4);
  }
  for (; submitted < ITEMS; submitted++) {
    const number = submitted % 5;
    await world.settled(run.submit({ name: `i${submitted}`, number }, { key: `i${submitted}` }));
  }
  world.world.heal();
  await world.settled(run.close());
  const end = await world.settled(run.finished, 60 * 60_000);
  return { world, end, deaths, progress: run.progress };
}

describe("a flow on a bad day", { timeout: 600_000 }, () => {
  it("brings every item to its end once, whoever dies meanwhile", async () => {
    let deaths = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { world, end, progress, deaths: died } = await badDay(seed);
      deaths += died;
      assert.equal(end, "done", `seed ${seed}`);
      const done = new Map(progress.nodes.map((node) => [node.name, node.done]));
      assert.equal(done.get("begin"), ITEMS, `seed ${seed}: begin`);
      assert.equal(done.get("whole"), ITEMS, `seed ${seed}: whole`);
      // 0, 1 or 2 parts go to batches, 3 or 4 do not.
      assert.equal(done.get("many"), (ITEMS * 2) / 5, `seed ${seed}: many`);
      const fives = new Map(
        world.outputs
          .filter(({ sink }) => sink === "fives")
          .map(({ task, value }) => [task, (value as unknown as { items: number }).items]),
      );
      const batched = [...fives.values()].reduce((sum, items) => sum + items, 0);
      assert.equal(batched, (ITEMS * 3) / 5, `seed ${seed}: batched`);
      // What came out twice after a crash is the same task again.
      const many = new Map(
        world.outputs.filter(({ sink }) => sink === "many").map(({ task, value }) => [task, value.name]),
      );
      assert.equal(new Set(many.values()).size, many.size, `seed ${seed}: one item came out as two tasks`);
    }
    assert.ok(deaths > SEEDS, `${deaths} routers died`);
  });

  it("goes on in the state in which it was, journal and memory alike", async () => {
    const world = await flowWorld();
    const run = await world.run(everything, "run", 0);
    for (let number = 0; number < 20; number++)
      await world.settled(run.submit({ name: `i${number}`, number: number % 5, workMs: 40 }));
    await world.world.advance(37);
    const before = await world.settled(run.states({ limit: 10_000 }));
    const again = await world.run(everything, "run", 1);
    const counted = (snapshot: typeof before) =>
      snapshot.tasks.map(({ task, state, at }) => [task, state === "leased" ? "waiting" : state, at]);
    assert.deepEqual(
      counted(await world.settled(again.states({ limit: 10_000 }))).slice(0, 20),
      counted(before).slice(0, 20),
    );
    // The one before it is refused, and says so.
    await assert.rejects(world.settled(run.submit({ name: "late" })), { code: "denied" });
  });

  it("never begins again, where an edge says at most once, what had begun when its router died", async () => {
    const world = await flowWorld();
    const once = flow("once", ({ source, step, sink }) => {
      source(ItemSchema).to(step("one", work), { delivery: "at-most-once" }).to(sink("end"));
    });
    const run = await world.run(once, "run", 0);
    await world.settled(run.submit({ name: "x", workMs: 5_000 }));
    await world.world.advance(1_000);
    assert.equal(world.ran.attempts.get("x/work"), 1);
    const again = await world.run(once, "run", 1);
    await world.settled(again.close());
    assert.equal(await world.settled(again.finished), "failed");
    await world.world.advance(20_000);
    assert.equal(world.ran.attempts.get("x/work"), 1);
    const { tasks } = await world.settled(again.states({ states: ["dead"] }));
    assert.match(tasks[0]?.reason ?? "", /it had begun when its router ended, and what became of it is not known/);
  });

  it("gives no item the key of another one, whose number a crash took before it was on disk", async () => {
    const world = await flowWorld({ syncMs: 1_000 });
    const hasty = flow("hasty", ({ source, step, sink }) => {
      source(ItemSchema).to(step("one", work), { durability: "commit" }).to(sink("end"));
    });
    for (const [life, name] of ["lost", "lost too", "kept"].entries()) {
      const run = await world.run(hasty, "run", life);
      // Until it is known to have opened the run.
      await world.world.advance(1_500);
      const submitted = run.submit({ name });
      // Its step has begun, and nothing of it is on disk yet, when its router dies.
      submitted.catch(() => {});
      await world.world.advance(500);
      if (name === "kept") assert.equal(await world.settled(submitted), 1);
      // Whoever had the run has it no more, whatever it was about to write.
      else await (await world.journals.open("run")).close();
    }
    const { keys } = world.ran;
    assert.deepEqual(
      keys.map(({ name }) => name),
      ["lost", "lost too", "kept"],
    );
    assert.equal(new Set(keys.map(({ key }) => key)).size, keys.length, JSON.stringify(keys));
  });

  it("takes the same key once, whichever router it is submitted to", async () => {
    const world = await flowWorld();
    const run = await world.run(everything, "run", 0);
    const first = await world.settled(run.submit({ name: "x" }, { key: "k" }));
    assert.equal(await world.settled(run.submit({ name: "x" }, { key: "k" })), first);
    const again = await world.run(everything, "run", 1);
    assert.equal(await world.settled(again.submit({ name: "x" }, { key: "k" })), first);
    await world.settled(again.close());
    await world.settled(again.finished);
    assert.equal(again.progress.nodes.find(({ name }) => name === "begin")?.done, 1);
  });
});
