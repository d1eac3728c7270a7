// Networks of memberships on a virtual clock: bad days by seed, and what is promised in numbers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULT_KINDS, planOf, run } from "./chaos.ts";
import { entryOf, type SimulatedNode, World } from "./world.ts";

const SEEDS = Number(process.env["UNUM_SEEDS"] ?? 200);

/** Started, and everybody knows everybody. */
async function network(nodes: number, over: Partial<ConstructorParameters<typeof World>[0]> = {}): Promise<World> {
  const world = new World({ seed: 7, nodes, ...over });
  await world.startAll();
  assert.ok(await world.until(() => world.converged(), 30_000), `${nodes} nodes have not found each other`);
  return world;
}

function stateOf(node: SimulatedNode | undefined, at: SimulatedNode | undefined): string | undefined {
  return at?.membership.members().find(({ id }) => id === node?.id)?.state;
}

function keepLoadsChanging(world: World, everyMs = 1_000): void {
  let load = 0;
  const change = () => {
    load++;
    for (const node of world.living) node.membership.update(entryOf(node, load));
    world.clock.after(everyMs, change);
  };
  change();
}

/** What each node sends on average, headers included. */
async function bytesPerSecond(world: World, seconds: number): Promise<number> {
  const sent = () => world.nodes.reduce((sum, { host }) => sum + world.network.sentBytes(host), 0);
  const before = sent();
  await world.clock.advance(seconds * 1_000);
  return (sent() - before) / seconds / world.nodes.length;
}

describe(`bad days, ${SEEDS} of them`, () => {
  it("break no promise, and every kind of fault happens", async () => {
    const counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0]));
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await run(planOf(seed));
      assert.deepEqual(outcome.broken, [], `seed ${seed}: ${JSON.stringify(planOf(seed))}`);
      for (const kind of FAULT_KINDS) counts[kind] = (counts[kind] ?? 0) + outcome.counts[kind];
    }
    for (const [kind, count] of Object.entries(counts)) assert.ok(count > 0, `no ${kind} in ${SEEDS} seeds`);
  });

  it("are the same for the same seed", async () => {
    for (const seed of [3, 4, 5]) assert.deepEqual(await run(planOf(seed)), await run(planOf(seed)));
  });
});

describe("a network", () => {
  it("of 100 nodes finds together within 10 s, and sees a crash within 20 s", async () => {
    const world = new World({ seed: 1, nodes: 100 });
    await world.startAll();
    assert.ok(await world.until(() => world.converged(), 10_000));
    const [, , victim] = world.nodes;
    assert.ok(victim);
    await world.crash(victim);
    const allKnow = () => world.living.every((node) => stateOf(victim, node) === "dead");
    assert.ok(await world.until(allKnow, 20_000));
    assert.ok(world.living.every(({ membership }) => membership.stats().deaths === 1));
    await world.close();
  });

  it("of ten times the nodes costs each node the same, at rest and while all loads change", async () => {
    const rates = [];
    for (const nodes of [15, 150]) {
      const world = await network(nodes, { startApartMs: 5 });
      // What joining brought has been told by then.
      await world.clock.advance(30_000);
      const rest = await bytesPerSecond(world, 10);
      // More often than a few nodes may tell: what is told is then bounded by the budget with few as with many, and not by
      // how little there is to tell. Loads that change once a second cost 15 nodes less than their budget.
      keepLoadsChanging(world, 250);
      await world.clock.advance(10_000);
      rates.push({ rest, busy: await bytesPerSecond(world, 30) });
      await world.close();
    }
    const [few, many] = rates;
    assert.ok(few && many);
    assert.ok(many.rest < few.rest * 1.2 && many.rest < 200, `at rest ${few.rest} and ${many.rest} bytes/s`);
    assert.ok(many.busy < few.busy * 1.2 && many.busy < 8_000, `busy ${few.busy} and ${many.busy} bytes/s`);
  });

  it("keeps within the budget it is given", async () => {
    for (const budgetBytesPerSecond of [2_000, 8_000]) {
      const world = await network(30, { settings: { budgetBytesPerSecond } });
      keepLoadsChanging(world);
      await world.clock.advance(10_000);
      const rate = await bytesPerSecond(world, 30);
      assert.ok(rate < budgetBytesPerSecond && rate > budgetBytesPerSecond / 10, `${rate} of ${budgetBytesPerSecond}`);
      await world.close();
    }
  });

  it("that loses 30 % of its datagrams counts nobody as dead for ten minutes", async () => {
    for (const nodes of [3, 10]) {
      const world = await network(nodes);
      world.network.weather = { delayMs: [0.2, 2], loss: 0.3, doubled: 0 };
      await world.clock.advance(600_000);
      assert.ok(world.nodes.some(({ membership }) => membership.stats().suspicions > 0));
      for (const { membership } of world.nodes) assert.equal(membership.stats().deaths, 0);
      await world.close();
    }
  });

  it("cut in two for a minute grows together within 30 s, without seeds in one half", async () => {
    const world = await network(20);
    const [one, other] = [world.nodes.slice(0, 10), world.nodes.slice(10)];
    world.split(one, other);
    await world.clock.advance(60_000);
    assert.ok(world.converged(one) && world.converged(other));
    world.network.mendAll();
    assert.ok(await world.until(() => world.converged(), 30_000));
    await world.close();
  });

  it("knows the loads of all within a round of probes, however they change", async () => {
    const world = await network(10);
    for (const [number, node] of world.nodes.entries()) node.membership.update(entryOf(node, 40 + number));
    const known = () =>
      world.nodes.every(({ membership }) =>
        membership.members().every(({ id, entry }) => entry?.containers[0]?.waiting === 40 + Number(id.slice(5))),
      );
    assert.ok(await world.until(known, 20_000));
    await world.close();
  });

  it("brings entries that no datagram could hold to all within 15 s", async () => {
    const world = await network(8);
    const [node] = world.nodes;
    assert.ok(node);
    const containers = Array.from({ length: 200 }, (_, number) => ({
      id: `container-${number}-${"x".repeat(60)}`,
      free: 1,
    }));
    node.membership.update({ containers });
    const known = () =>
      world.nodes.every(({ membership }) =>
        membership.members().some(({ id, entry }) => id === node.id && entry?.containers.length === 200),
      );
    assert.ok(await world.until(known, 15_000));
    await world.close();
  });

  it("sleeps through nothing: a node paused for a minute is dead meanwhile, and accuses nobody when it goes on", async () => {
    const world = await network(6);
    const [node, ...others] = world.nodes;
    assert.ok(node);
    world.pause(node);
    await world.clock.advance(60_000);
    assert.ok(others.every((other) => stateOf(node, other) === "dead"));
    world.resume(node);
    assert.ok(await world.until(() => world.converged(), 10_000));
    assert.equal(node.membership.stats().deaths, 0);
    await world.close();
  });
});

describe("a node that starts again", () => {
  it("within the suspicion's time was never dead", async () => {
    const world = await network(6);
    const node = world.nodes[3];
    assert.ok(node);
    await world.crash(node);
    await world.clock.advance(4_000);
    assert.ok(world.living.some((other) => stateOf(node, other) === "suspect"));
    await world.start(node);
    assert.ok(await world.until(() => world.converged(), 5_000));
    for (const other of world.living) assert.equal(other.membership.stats().deaths, 0);
    await world.close();
  });

  it("after its death comes back by a later incarnation", async () => {
    const world = await network(6);
    const node = world.nodes[3];
    assert.ok(node);
    await world.crash(node);
    await world.clock.advance(20_000);
    assert.equal(stateOf(node, world.nodes[0]), "dead");
    await world.start(node);
    assert.ok(await world.until(() => world.converged(), 5_000));
    await world.close();
  });

  it("having forgotten its incarnation learns of it, and surpasses it", async () => {
    const world = await network(6);
    const node = world.nodes[3];
    assert.ok(node);
    await world.crash(node);
    await world.clock.advance(20_000);
    await world.start(node, { incarnation: 1 });
    assert.ok(await world.until(() => world.converged(), 10_000));
    const seen = world.nodes[0]?.membership.members().find(({ id }) => id === node.id);
    assert.ok(seen && seen.incarnation > 1 && seen.entry !== undefined);
    await world.close();
  });

  it("alone among others who know it is found by them, though it has no seeds", async () => {
    const world = await network(6);
    const node = world.nodes[0];
    assert.ok(node);
    await world.crash(node);
    await world.clock.advance(2_000);
    await world.start(node, { seeds: [] });
    assert.ok(await world.until(() => world.converged(), 10_000));
    await world.close();
  });
});

describe("a node that leaves", () => {
  it("has left for all within a second, and is not asked any more", async () => {
    const world = await network(10);
    const node = world.nodes[4];
    assert.ok(node);
    node.alive = false;
    const left = node.membership.leave();
    await world.clock.advance(1_000);
    await left;
    for (const other of world.living) assert.equal(stateOf(node, other), "left");
    const before = world.network.counts.nobody;
    await world.clock.advance(60_000);
    assert.equal(world.network.counts.nobody, before);
    await world.close();
  });

  it("is forgotten after its time, by all", async () => {
    const world = await network(5, { settings: { leftLifetimeMs: 60_000 } });
    const node = world.nodes[4];
    assert.ok(node);
    node.alive = false;
    void node.membership.leave();
    await world.clock.advance(30_000);
    assert.ok(world.living.every((other) => stateOf(node, other) === "left"));
    await world.clock.advance(50_000);
    assert.ok(world.living.every((other) => stateOf(node, other) === undefined));
    await world.close();
  });

  it("comes back by a later incarnation", async () => {
    const world = await network(5);
    const node = world.nodes[4];
    assert.ok(node);
    node.alive = false;
    void node.membership.leave();
    await world.clock.advance(5_000);
    await world.start(node);
    assert.ok(await world.until(() => world.converged(), 5_000));
    await world.close();
  });
});
