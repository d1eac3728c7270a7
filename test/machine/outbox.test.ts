// Durable messages between real nodes: kept for one that is away, across the death of whoever keeps them, delivered once, in
// order, and not after their time.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type NodeClient, newNodeClient } from "../../src/client/node-client.ts";
import type { SendOptions } from "../../src/client/options.ts";
import type { BoxView } from "../../src/messages/gen/unum/machine/v1/outbox_pb.ts";
import { systemEnv } from "../../src/system/env.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { LIMIT, root, scratch } from "../cli/unum.ts";
import { Letters } from "../gen/unum/test/v1/letters_pb.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const components = join(root, "test/machine/components");

describe("an outbox", { skip: linux, ...LIMIT }, () => {
  let machine: LocalMachine;
  let here: LocalNode;
  let there: LocalNode;
  let client: NodeClient;
  let folder: string;

  before(async () => {
    folder = await scratch();
    machine = await localMachine();
    here = await machine.add({ components, containers: 1, outbox: { messages: 50, bytes: 100_000 } });
    there = await machine.add({ components, containers: 1 });
    await eventually(
      "both know each other",
      () => here.show(),
      ({ nodes }) => nodes.filter(({ online }) => online).length === 2,
    );
    client = await clientOf(here);
  });
  after(async () => {
    await client.close();
    await machine.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function clientOf(node: LocalNode): Promise<NodeClient> {
    const env = systemEnv();
    const seeds = [`ipc://${join(node.folder, "../run/door.sock")}`];
    return newNodeClient({ env, transports: [zmtpTransport({ env })], seeds });
  }

  const send = (journal: string, text: string, options: SendOptions = {}, more: object = {}) =>
    client.send(
      Letters.method.put,
      { journal: join(folder, journal), text, ...more },
      { durable: { node: there.id }, ...options },
    );
  const lines = (journal: string) => {
    const path = join(folder, journal);
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  };
  const texts = (journal: string) => lines(journal).map((line) => line.split(" ")[0]);
  const keys = (journal: string) => lines(journal).map((line) => line.split(" ")[2]);
  const box = async (node: LocalNode, inward: boolean): Promise<BoxView> => {
    const found = (await node.show()).boxes.find((each) => each.inward === inward);
    return found ?? assert.fail(`no box at ${node.id}`);
  };
  const arrived = (journal: string, count: number) =>
    eventually(
      `${count} letters in ${journal}`,
      async () => lines(journal),
      (all) => all.length >= count,
    );

  it("brings what is sent while the other is there", async () => {
    for (const text of ["a", "b", "c"]) await send("present", text);
    await arrived("present", 3);
    assert.deepEqual(texts("present"), ["a", "b", "c"]);
    await assert.rejects((await send("present", "d")).result(), { code: "invalid" });
  });

  it("takes messages of components, and for its own node", async () => {
    const letter = { journal: join(folder, "passed"), text: "a" };
    await client.call(Letters.method.pass, { node: there.id, letter }, { withinMs: 30_000, ttlMs: 30_000 });
    await client.call(Letters.method.pass, { node: here.id, letter: { ...letter, text: "own" } });
    await arrived("passed", 2);
    assert.deepEqual(new Set(texts("passed")), new Set(["a", "own"]));
  });

  it("keeps them while it is away and both restart; delivers what lives once, in order; purges and counts what expired", async () => {
    await there.close();
    const before = await box(here, false);
    for (let at = 0; at < 20; at++) await send("away", `m${at}`);
    for (let at = 0; at < 5; at++) await send("away", `late${at}`, { ttlMs: 1 });
    for (let at = 0; at < 4; at++)
      await send("away", `state${at}`, { durable: { node: there.id, supersede: "state" } });
    const kept = await eventually(
      "what expired is counted",
      () => box(here, false),
      ({ expired }) => expired - before.expired === 5n,
    );
    assert.equal(kept.waiting, 21);
    assert.equal(kept.superseded - before.superseded, 3n);
    await client.close();
    await here.close();
    await here.again();
    client = await clientOf(here);
    assert.equal((await box(here, false)).waiting, 21);
    await there.again();
    await arrived("away", 21);
    await eventually(
      "nothing waits",
      () => box(there, true),
      ({ waiting, passed }) => waiting === 0 && passed === 21n,
    );
    assert.deepEqual(texts("away"), [...Array.from({ length: 20 }, (_, at) => `m${at}`), "state3"]);
    assert.equal((await box(here, false)).waiting, 0);
  });

  it("keeps what is sent again under one key once, at the same time, later, and when another governor has its box", async () => {
    await there.close();
    const { waiting } = await box(here, false);
    const again = (text: string) => send("once", text, { idempotencyKey: `key of ${text}` });
    await Promise.all([again("a"), again("a"), again("a")]);
    await again("a");
    await again("b");
    assert.equal((await box(here, false)).waiting, waiting + 2);
    await client.close();
    await here.close();
    await here.again();
    client = await clientOf(here);
    await again("b");
    await again("c");
    assert.equal((await box(here, false)).waiting, waiting + 3);
    await there.again();
    await arrived("once", 3);
    await again("c");
    await send("once", "last");
    await arrived("once", 4);
    assert.deepEqual(texts("once"), ["a", "b", "c", "last"]);
  });

  it("refuses what is too much, and whom it does not know, and takes more when there is room", async () => {
    await there.close();
    for (let at = 0; at < 50; at++) await send("full", `m${at}`);
    await assert.rejects(send("full", "one more"), {
      code: "overloaded",
      message: /the outbox is full: 50 messages, .*\(ttlMs\)/,
    });
    await assert.rejects(send("full", "whom", { durable: { node: "nobody" } }), {
      code: "not-found",
      message: /no node 'nobody'/,
    });
    const { outboxMessages, outboxBytes } = await here.node.setLimits({ outboxMessages: 51, outboxBytes: 200_000n });
    assert.deepEqual([outboxMessages, outboxBytes], [51, 200_000n]);
    await send("full", "with a place more");
    await assert.rejects(send("full", "and no other"), { code: "overloaded", message: /51 messages, / });
    // What is there stays; nothing comes in until there is room again.
    await here.node.setLimits({ outboxMessages: 10 });
    await assert.rejects(send("full", "past a lower limit"), { code: "overloaded", message: /limits are 10 and / });
    const { boxes, limits } = await here.node.status({});
    const [shown] = boxes.filter(({ inward, waiting }) => !inward && waiting > 0);
    assert.deepEqual([shown?.node, shown?.waiting, limits?.outboxMessages], [there.id, 51, 10]);
    assert.ok((shown?.refused ?? 0n) >= 3n);
    await assert.rejects(here.node.setLimits({ outboxBytes: 1n }), { code: "invalid", message: /outbox\.bytes 1 / });
    await there.again();
    await arrived("full", 51);
    await send("full", "again");
    await arrived("full", 52);
    assert.equal(new Set(keys("full")).size, 52);
    await here.node.setLimits({ outboxMessages: 50, outboxBytes: 100_000n });
  });

  it("hands a message to the next container where one ended in the midst of it, and gives it up after three", async () => {
    const stop = join(folder, "stop");
    writeFileSync(stop, "");
    const failedBefore = (await box(there, true)).failed;
    await send("poison", "bad", {}, { exitWhile: stop });
    await send("poison", "good");
    await eventually(
      "the good one arrived",
      async () => texts("poison"),
      (all) => all.includes("good"),
    );
    assert.deepEqual(texts("poison"), ["bad", "bad", "bad", "good"]);
    assert.equal(new Set(keys("poison").slice(0, 3)).size, 1, "the same message each time");
    assert.equal((await box(there, true)).failed - failedBefore, 1n);
  });
});
