// Two and three nodes on one computer, real processes: they find each other, stand in for each other, and see who is gone.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { LimitsChange } from "../../src/capacity/limits.ts";
import { Fault, newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { ok } from "../cli/node.ts";
import { unum } from "../cli/unum.ts";
import { Work } from "../gen/unum/test/v1/work_pb.ts";
import { type NetworkNode, seeEachOther, startNetworkNode } from "./nodes.ts";

let started: NetworkNode[] = [];
afterEach(async () => {
  await Promise.all(started.map((each) => each.end()));
  started = [];
});

async function node(id: string, seeds: readonly string[], limits: LimitsChange = {}): Promise<NetworkNode> {
  const one = await startNetworkNode(id, seeds, limits);
  started.push(one);
  return one;
}

const serving = (count: number) => (status: { containers: readonly { state: string }[] }) =>
  status.containers.filter(({ state }) => state === "serving").length === count;

const ONE: LimitsChange = { node: { containers: 1, spares: 0 }, container: { inbox: 1 } };
const TWO: LimitsChange = { node: { containers: 2, spares: 0 }, container: { inbox: 1 } };

describe("nodes of a network", { timeout: 240_000 }, () => {
  it("stand in for each other: the first full at its limit, a call starts a container on the second, and the reply tells the way", async () => {
    const one = await node("n1", [], ONE);
    // The limit is raised when it serves, so that one more has to be started for a call.
    const two = await node("n2", [one.at], ONE);
    await one.until(serving(1));
    await two.until(serving(1));
    await seeEachOther([one, two]);
    await two.setLimits({ containers: 2 });

    const over = new AbortController();
    const held: Promise<unknown>[] = [];
    for (let places = 1; places <= 4; places++) {
      const options = { ttlMs: 120_000, signal: over.signal };
      held.push(one.client.call(Work.method.do, { waitMs: 60_000 }, options).catch((error) => error));
      // One after the other: two that arrive together would find a place taken that is about to be free.
      await one.until(() => callsAt([one, two]) === places);
    }
    assert.equal((await two.processes()).length, 1);

    const reply = await one.client.request(Work.method.do, { key: "over there" }, { ttlMs: 60_000, withinMs: 50_000 });
    assert.equal(reply.value.key, "over there");
    const door = reply.tried.find(({ ring, end }) => ring === "door" && end === "granted");
    assert.equal(door?.at, "n2", JSON.stringify(reply.tried));
    assert.equal(door?.reason, "a new container");
    const [before, now] = [await one.processes(), await two.processes()];
    assert.deepEqual([before.length, now.length], [1, 2]);
    assert.ok(now.includes(reply.value.pid));
    over.abort(new Error("the test is over"));
    for (const outcome of await Promise.all(held)) assert.ok(outcome instanceof Fault);
  });

  it("are found by who joins late, by whichever node it asks; who leaves says so, who crashes is missed, and its calls have outcomes", async (test) => {
    const one = await node("n1", [], ONE);
    const two = await node("n2", [one.at], ONE);
    const three = await node("n3", [two.at], ONE);
    await seeEachOther([one, two, three]);
    const nodesOf = ({ client }: NetworkNode) =>
      client
        .nodes()
        .map(({ id }) => id)
        .sort()
        .join();
    await one.until(() => nodesOf(one) === "n1,n2,n3" && nodesOf(three) === "n1,n2,n3");

    const places = new Set<string>();
    await one.until(() => {
      for (const { id, containers } of one.client.nodes()) if (containers.length > 0) places.add(id);
      return places.size === 3;
    });
    const end = performance.now() + 60_000;
    const shown = async () => ok(await unum(["ps"], { home: one.home }));
    let table = await shown();
    const serving = () => table.match(/^n[123] +k\w+ +serving /gm)?.length ?? 0;
    // What a node serves is heard of after the node itself.
    while (serving() < 3 && performance.now() < end) table = await shown();
    assert.equal(serving(), 3, table);
    assert.match(ok(await unum(["status"], { home: one.home })), /^n3 +alive /m);

    const held: Promise<string>[] = [];
    // One after the other, so that each is placed by what is known of those before it.
    for (let places = 1; places <= 3; places++) {
      const call = one.client.call(Work.method.do, { waitMs: 20_000 }, { ttlMs: 60_000, withinMs: 10_000 });
      held.push(
        call.then(
          () => "answered",
          (error: Fault) => error.code,
        ),
      );
      await one.until(() => callsAt([one, two, three]) === places);
    }
    await one.until(() => callsAt([three]) === 1);
    const env = systemEnv();
    const visitor = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds: [`tcp://${three.at}`] });
    test.after(() => visitor.close());
    assert.equal((await visitor.describe()).length, 3);
    await three.crash();
    // It came in by the node that is gone, and was given no other.
    // Sent again where it went to the dead node before it was known to be.
    const again = { ttlMs: 60_000, withinMs: 50_000, idempotencyKey: "still" };
    const { value } = await visitor.request(Work.method.do, { key: "still" }, again);
    assert.equal(value.key, "still");
    await one.until(
      () =>
        visitor
          .nodes()
          .map(({ id }) => id)
          .sort()
          .join() === "n1,n2",
    );
    await visitor.close();
    await one.until(({ peers }) => peers.some(({ id, state }) => id === "n3" && state === "dead"));
    await one.until(() => nodesOf(one) === "n1,n2" && nodesOf(two) === "n1,n2");
    assert.deepEqual((await Promise.all(held)).sort(), ["answered", "answered", "unknown"]);

    await two.end();
    const status = await one.until(({ peers }) => peers.some(({ id, state }) => id === "n2" && state === "left"));
    assert.ok(status.events.some(({ text }) => /node n2 has left/.test(text)));
  });

  it("share the network's limit, told to one of them: what is too much ends after its calls, and who joins late hears of it", async () => {
    const one = await node("n1", [], TWO);
    const two = await node("n2", [one.at], TWO);
    await one.until(serving(2));
    await two.until(serving(2));
    await seeEachOther([one, two]);
    const held = Array.from({ length: 4 }, () =>
      one.client.call(Work.method.do, { waitMs: 1_000 }, { ttlMs: 60_000, withinMs: 30_000 }),
    );
    const told = ok(await unum(["limits", "--network-containers", "3"], { home: one.home }));
    assert.match(told, /^of the network +3/m);
    await Promise.all(held);
    const shareOf = async ({ status }: NetworkNode) => (await status()).limits?.share;
    await two.until(({ containers }) => containers.length === 1);
    assert.deepEqual([await shareOf(one), await shareOf(two)], [2, 1]);
    assert.deepEqual([(await one.processes()).length, (await two.processes()).length], [2, 1]);

    const three = await node("n3", [two.at], TWO);
    await three.until(({ limits }) => limits?.networkContainers === 3 && limits.share === 1);
    await one.until(serving(1));
    await three.until(serving(1));

    ok(await unum(["limits", "--network-containers", "none"], { home: three.home }));
    await one.until(({ limits }) => limits?.networkContainers === 0 && limits.share === 0);
  });

  it("go on calling each other while a governor is killed and comes back, and nobody takes its node for dead", async () => {
    const one = await node("n1", [], ONE);
    const two = await node("n2", [one.at], TWO);
    await seeEachOther([one, two]);
    let over = false;
    const answered = { count: 0 };
    const calling = (async () => {
      while (!over) {
        await one.client.call(Work.method.do, { waitMs: 5 }, { ttlMs: 30_000, withinMs: 20_000 });
        answered.count++;
      }
    })();
    for (const each of [two, one, two]) {
      await each.killGovernor();
      await seeEachOther([one, two]);
      const before = answered.count;
      await one.until(() => answered.count > before + 20);
    }
    over = true;
    await calling;
    for (const each of [one, two]) {
      const { events } = await each.status();
      assert.ok(!events.some(({ text }) => /is gone/.test(text)), JSON.stringify(events.map(({ text }) => text)));
    }
  });
});

/** As the first node's client was told last. */
function callsAt(nodes: readonly NetworkNode[]): number {
  const ids = nodes.map(({ id }) => id);
  const containers = (started.find(({ id }) => id === "n1") ?? nodes[0])?.client
    .nodes()
    .filter(({ id }) => ids.includes(id))
    .flatMap((each) => each.containers);
  return (containers ?? []).reduce((sum, { running, waiting }) => sum + running + waiting, 0);
}
