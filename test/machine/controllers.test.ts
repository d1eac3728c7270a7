// Several controllers: any of them takes commands, none is needed for what runs, and what contradicts converges.

import assert from "node:assert/strict";
import { after, afterEach, describe, it } from "node:test";
import { newSigningKey } from "../../src/machine/keys/signing-key.ts";
import { endNodes, ok, processesWith, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";
import { founded, joined, online, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const PLAN = ["thumbnails.v1.Shrink/Plan", '{"width":400,"height":300,"longest":40}'];
const TTL = { ttlMs: 30_000 };

let machine: LocalMachine | undefined;
afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
  await machine?.end();
  machine = undefined;
});
after(cleanUp);

describe("several controllers", { skip: linux, ...LIMIT }, () => {
  it(
    "go on when the first is killed for good: another takes commands, lets in, and a node follows",
    LIMIT,
    async () => {
      const first = await founded();
      const second = await joined(first, ["--controller"]);
      const { publicKey } = JSON.parse(ok(await unum(["keys", "--json"], { home: second })));
      ok(await unum(["grant", publicKey, "operator"], { home: first }));
      await until(
        "the second has heard",
        () => view(second),
        ({ grants }) => grants.length === 1,
      );
      const third = await joined(second);
      await until("all know each other", () => view(third), online(3));
      ok(await unum(["load", await packed(first, { version: "1.0.0" })], { home: first }));
      ok(await unum(["start", "thumbnails"], { home: first }));
      const { pid } = await statusOf(first);
      // Keeper, governor and containers, without a word to anybody.
      for (const each of processesWith((environment) => environment.includes(`\0UNUM_HOME=${first}\0`)))
        process.kill(each, "SIGKILL");
      await until("it is dead", () => !runs(pid));
      await until("the others know", () => view(second), online(2));

      ok(await unum(["load", await packed(second, { version: "1.1.0" })], { home: second }));
      assert.match(ok(await unum(["start", "thumbnails"], { home: second })), /on 2 nodes/);
      const called = await unum(["call", ...PLAN, "--within", "5s"], { home: third });
      assert.equal(JSON.parse(ok(called)).version, "1.1.0");
      const refused = await unum(["stop", "thumbnails"], { home: third });
      assert.equal(refused.code, 4);
      assert.match(ok(await unum(["audit", "--verify"], { home: second })), /done start program\/thumbnails/);
    },
  );

  it("come to the same when two are told otherwise at the same time, and tell who lost", LIMIT, async () => {
    machine = await localMachine();
    const [one, two, three] = [
      await machine.add({ controller: true }),
      await machine.add({ controller: true }),
      await machine.add({ controller: true }),
    ];
    const [ada, bob] = [newSigningKey(), newSigningKey()];
    for (const { id, raw } of [ada, bob])
      await one.propose(`grant/${id}`, { case: "grant", value: { key: raw, role: "operator" } });
    for (const node of [two, three]) await eventually("it has heard", node.show, ({ grants }) => grants.length === 2);
    // Whether neither hears of the other meanwhile is not in our hand: said again until it was so.
    let told = false;
    for (let round = 0; round < 30 && !told; round++) {
      const subject = `variable/region${round}`;
      const say = (node: LocalNode, value: string, key: typeof ada) =>
        node.propose(subject, { case: "variable", value: { value } }, key);
      // One of them says two things, so that the counters differ.
      const said = await Promise.allSettled([
        say(one, "north", ada).then(() => say(one, "far north", ada)),
        say(two, "south", bob),
      ]);
      const valueAt = async ({ show }: LocalNode) =>
        (await show()).variables.find(({ name }) => name === `region${round}`)?.value;
      const values = () => Promise.all([one, two, three].map(valueAt));
      await eventually("all say the same", values, (all) => all[0] !== undefined && new Set(all).size === 1);
      const refused = said.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
      for (const why of refused) assert.match(why, /at the same time|look again/);
      const lost = (await Promise.all([one, two, three].map(({ show }) => show()))).flatMap((seen) => seen.lost);
      told = lost.some(({ by }) => by === ada.id || by === bob.id);
    }
    assert.ok(told, "whoever lost is shown it");
    const audits = await Promise.all([one, two].map(({ machine: door }) => door.audit({}, TTL)));
    const whys = audits.flatMap(({ entries }) => entries).map(({ why }) => why);
    assert.ok(whys.some((why) => /at the same time/.test(why)));
  });

  it("take contradicting commands in any number, and every node ends with the same", LIMIT, async () => {
    machine = await localMachine();
    const nodes: LocalNode[] = [];
    for (let count = 0; count < 4; count++) nodes.push(await machine.add({ controller: true }));
    const keys = nodes.map(() => newSigningKey());
    const [first] = nodes;
    for (const { id, raw } of keys)
      await first?.propose(`grant/${id}`, { case: "grant", value: { key: raw, role: "operator" } });
    for (const { show } of nodes) await eventually("it has heard", show, ({ grants }) => grants.length === 4);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, turn) => {
        const node = nodes[turn % 4] ?? assert.fail();
        const value = { case: "variable" as const, value: { value: `${turn}` } };
        return node.propose(`variable/v${turn % 3}`, value, keys[turn % 4]);
      }),
    );
    for (const outcome of outcomes)
      if (outcome.status === "rejected") assert.match(String(outcome.reason), /look again/);
    const seen = () =>
      Promise.all(
        nodes.map(async ({ show }) => {
          const { variables } = await show();
          return JSON.stringify(variables.map(({ name, value }) => `${name}=${value}`).sort());
        }),
      );
    await eventually("all say the same", seen, (all) => new Set(all).size === 1);
  });
});
