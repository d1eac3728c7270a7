// Mistakes that seeds have found in the code of nodes, each as the shortest day that shows it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PlannedNodeFault } from "../../../src/testing/node-faults.ts";
import { type NodeWorld, nodeWorld } from "../../../src/testing/node-world.ts";
import { CONTRACTS } from "../components.ts";
import { CODE, type CodeName } from "./code.ts";

async function oneNode(of: { cpus?: number; containers: number; code?: CodeName }): Promise<NodeWorld> {
  const { cpus = 2, containers, code = "1.0.0" } = of;
  return nodeWorld({
    seed: 1,
    components: CODE,
    nodes: [{ name: "a", cpus, code, graceMs: 3_000, limits: { node: { containers } } }],
  });
}

function fault(kind: PlannedNodeFault["kind"], forMs = 1, amount = 0.5): PlannedNodeFault {
  return { kind, at: 0, forMs, node: "a", to: "", amount };
}

function broken(world: NodeWorld): readonly string[] {
  return world.violations().map(({ invariant, text }) => `${invariant}: ${text}`);
}

describe("a node", () => {
  it("keeps to changed limits under the next governor", async () => {
    const world = await oneNode({ containers: 4 });
    await world.settled(world.node("a").setLimits({ containers: 1 }));
    await world.advance(5_000);
    world.begin(fault("governor crash"));
    await world.advance(5_000);
    assert.equal(world.node("a").containers.length, 1);
    assert.deepEqual(broken(world), []);
  });

  it("goes by what it is started with when it is started anew, whatever was changed before", async () => {
    const world = await oneNode({ containers: 4 });
    const node = world.node("a");
    await world.settled(node.setLimits({ containers: 1 }));
    await world.settled(node.down());
    node.up();
    await world.advance(5_000);
    const { limits } = await world.settled(node.status());
    assert.equal(limits?.containers, 4);
  });

  it("starts no container that it cannot write down for the next governor", async () => {
    const world = await oneNode({ containers: 1 });
    world.begin(fault("full disk", 4_000));
    await world.settled(world.node("a").setLimits({ containers: 4 }));
    await world.advance(2_000);
    assert.equal(world.node("a").containers.length, 1);
    await world.advance(6_000);
    assert.ok(world.node("a").containers.length > 1);
    world.begin(fault("governor crash"));
    await world.calm();
    assert.deepEqual(broken(world), []);
  });

  it("waits for a declared budget, though a full disk keeps the container from saying when it began", async () => {
    const world = await oneNode({ cpus: 1, containers: 1 });
    const [container] = world.node("a").containers;
    world.begin(fault("full disk", 3_000));
    // Open may take 12 s.
    const call = world.client(0).call(CONTRACTS.Open.method.work, { blockMs: 9_000 }, { ttlMs: 20_000 });
    await world.settled(call);
    assert.equal(container?.isRunning, true);
    assert.deepEqual(broken(world), []);
  });

  it("starts hardly any process while none can be had, also when new code comes in", async () => {
    const world = await oneNode({ containers: 4 });
    world.begin(fault("stillborn", 20_000, 1));
    world.node("a").deploy("2.0.0");
    const before = world.node("a").host.table.counts.started;
    await world.advance(20_000);
    // One a second, and not as many as there are turns.
    assert.ok(world.node("a").host.table.counts.started - before < 30);
    assert.deepEqual(broken(world), []);
  });

  it("brings in code that changed while nobody governed", async () => {
    const world = await oneNode({ containers: 2 });
    world.begin(fault("refused spawn", 3_000, 1));
    world.begin(fault("governor crash"));
    await world.advance(1_000);
    world.node("a").deploy("2.0.0");
    await world.calm();
    const { containers } = await world.settled(world.node("a").status());
    const versions = containers.flatMap(({ components }) => components.map(({ version }) => version));
    assert.deepEqual([...new Set(versions)], ["2.0.0"]);
    assert.deepEqual(broken(world), []);
  });

  it("ends a replacement with as many as a limit allows that was lowered meanwhile", async () => {
    const world = await oneNode({ containers: 2 });
    // What keeps the replacement under way until the limit has been lowered.
    const held = world.client(0).call(CONTRACTS.Single.method.work, { workMs: 2_500 }, { ttlMs: 10_000 });
    world.node("a").deploy("2.0.0");
    await world.advance(1_500);
    await world.settled(world.node("a").setLimits({ containers: 1 }));
    await world.settled(held);
    await world.calm();
    assert.deepEqual(broken(world), []);
  });

  it("tells its containers who is there, though the clock on the wall was set back before its governor crashed", async () => {
    const world = await oneNode({ containers: 4 });
    world.begin(fault("clock jump", 20_000, 0));
    world.begin(fault("governor crash"));
    await world.advance(2_000);
    world.begin(fault("container crash"));
    await world.calm();
    assert.deepEqual(broken(world), []);
  });

  it("lets the last replies of a draining container leave", async () => {
    const world = await oneNode({ containers: 4 });
    const calls = world
      .node("a")
      .containers.map(() => world.client(0).call(CONTRACTS.Single.method.work, { workMs: 1_000 }, { ttlMs: 10_000 }));
    await world.advance(100);
    await world.settled(world.node("a").setLimits({ containers: 1 }));
    const outcomes = await world.settled(Promise.allSettled(calls));
    // Where there were fewer places than calls, some were refused; none of those that ran was lost.
    for (const each of outcomes) if (each.status === "rejected") assert.notEqual(each.reason.code, "unknown");
    assert.deepEqual(broken(world), []);
  });
});
