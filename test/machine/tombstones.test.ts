// Tombstones: kept while a node is away that has not heard of them, given up by all when it has; and nothing comes back.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { LIMIT } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 30_000 };
const NAME = "variable/region";

let machine: LocalMachine | undefined;
afterEach(async () => {
  await machine?.end();
  machine = undefined;
});

const isKept = async ({ machine: calls }: LocalNode) => (await calls.head({ name: NAME }, TTL)).history.length > 0;
const value = async ({ show }: LocalNode) => (await show()).variables.find(({ name }) => name === "region")?.value;
const set = (text: string) => ({ case: "variable", value: { value: text } }) as const;

describe("what was removed", { skip: linux, ...LIMIT }, () => {
  it("is remembered until every node has heard, given up then, and may be written anew", LIMIT, async () => {
    machine = await localMachine();
    const [first, second, third] = [await machine.add(), await machine.add(), await machine.add()];
    await first.propose(NAME, set("north"));
    for (const node of [first, second, third])
      await eventually(
        "all have it",
        () => value(node),
        (text) => text === "north",
      );
    await third.close();
    await first.propose(NAME, { case: "removed", value: {} });
    await eventually(
      "the second has heard",
      () => value(second),
      (text) => text === undefined,
    );
    // Whatever is told meanwhile: who is away has not acted.
    await first.propose("variable/other", set("x"));
    await eventually(
      "more was told",
      async () => (await second.show()).variables.length,
      (count) => count === 1,
    );
    assert.ok(await isKept(first));
    assert.ok(await isKept(second));
    await second.close();
    await second.again();
    assert.ok(await isKept(second), "which nodes there are outlasts a restart");
    await third.again();
    for (const node of [first, second, third]) {
      await eventually(
        "it is given up",
        () => isKept(node),
        (kept) => !kept,
      );
      assert.equal(await value(node), undefined);
      await eventually(
        "on disk too",
        async () => readdirSync(join(node.folder, "records")),
        (names) => !names.includes("variable%region"),
      );
    }
    await first.close();
    await first.again();
    await first.propose(NAME, set("south"));
    for (const node of [first, second, third])
      await eventually(
        "it may be written anew",
        () => value(node),
        (text) => text === "south",
      );
  });

  it("does not wait for a node that was revoked", LIMIT, async () => {
    machine = await localMachine();
    const [first, second] = [await machine.add(), await machine.add()];
    await first.propose(NAME, set("north"));
    await eventually(
      "both have it",
      () => value(second),
      (text) => text === "north",
    );
    await second.close();
    await first.propose(NAME, { case: "removed", value: {} });
    await first.propose("variable/other", set("x"));
    assert.ok(await isKept(first));
    await first.propose(`revoked/${second.id}`, { case: "revoked", value: { node: second.id } });
    await eventually(
      "it is given up",
      () => isKept(first),
      (kept) => !kept,
    );
  });
});
