import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Modes } from "../../test/gen/unum/test/v1/services_pb.ts";
import { sleep } from "../base/clock.ts";
import { component } from "../container/component.ts";
import type { PlannedFault } from "./faults.ts";
import type { ProcessParts } from "./simulated-container.ts";
import { world } from "./world.ts";

const METHOD = Modes.method.plain;

/** Answers after 10 ms with who it is. */
const greeter = ({ name, clock }: ProcessParts) => {
  const slow = async () => {
    await sleep(clock, 10);
    return { text: name };
  };
  const none = () => ({ text: "" });
  return [
    component(Modes, {
      plain: slow,
      sync: none,
      async: none,
      broadcast: none,
      async *plainStream() {
        yield none();
      },
      async *stream() {
        yield none();
      },
    }),
  ];
};

const small = (faults: readonly PlannedFault[] = [], names = ["k1"]) =>
  world({ seed: 1, containers: names.map((name) => ({ name, components: greeter })), clients: 1, faults });

const fault = (set: Partial<PlannedFault> & Pick<PlannedFault, "kind">): PlannedFault => ({
  at: 5,
  forMs: 500,
  from: "c1",
  to: "k1",
  amount: 1,
  ...set,
});

describe("a simulated world", () => {
  it("calls a component as it would be called, in virtual time", async () => {
    const made = await small();
    const [client] = made.clients;
    assert.ok(client !== undefined);
    const before = made.clock.now();
    const { text } = await made.settled(client.call(METHOD, { text: "" }));
    assert.equal(text, "k1");
    const took = made.clock.now() - before;
    assert.ok(took >= 10 && took < 15, `${took} ms`);
    assert.deepEqual(made.violations(), []);
  });

  it("spreads calls over its containers", async () => {
    const made = await small([], ["k1", "k2", "k3"]);
    const [client] = made.clients;
    const replies = Array.from({ length: 6 }, () => client?.call(METHOD, { text: "" }));
    const texts = (await made.settled(Promise.all(replies))).map((reply) => reply?.text);
    assert.deepEqual(texts.sort(), ["k1", "k1", "k2", "k2", "k3", "k3"]);
  });

  it("tells a caller that its call's fate is unknown when the container crashes, and reaches it again afterwards", async () => {
    const made = await small([fault({ kind: "crash", from: "" })]);
    const [client] = made.clients;
    assert.ok(client !== undefined);
    await assert.rejects(made.settled(client.call(METHOD, { text: "" })), { code: "unknown" });
    await assert.rejects(made.settled(client.call(METHOD, { text: "" })), { code: "undeliverable" });
    await made.advance(600);
    assert.equal((await made.settled(client.request(METHOD, { text: "" }))).from[0], "k1.2");
    assert.equal(made.fired.crash, 1);
    assert.deepEqual(made.violations(), []);
  });

  it("does each kind of fault, and counts what took effect", async () => {
    const kinds = ["loss", "duplicates", "delay", "cut", "partition", "pause", "slow"] as const;
    for (const kind of kinds) {
      const made = await small([fault({ kind, amount: kind === "delay" || kind === "slow" ? 50 : 1 })]);
      const [client] = made.clients;
      await made.advance(50);
      const reply = client?.call(METHOD, { text: "" }, { ttlMs: 300 }).then(
        () => "ok",
        (error) => error.code,
      );
      const took = made.clock.now();
      const outcome = await made.settled(reply ?? Promise.reject(new Error("no client")));
      await made.advance(3_000);
      made.heal();
      assert.ok(made.fired[kind] > 0, `${kind} took no effect`);
      if (kind === "loss" || kind === "cut" || kind === "partition" || kind === "pause") assert.notEqual(outcome, "ok");
      else assert.equal(outcome, "ok");
      assert.ok(made.clock.now() > took);
      assert.deepEqual(made.violations(), [], kind);
    }
  });

  it("does not count a fault that met nobody", async () => {
    const made = await small([fault({ kind: "loss" }), fault({ kind: "pause", from: "" }), fault({ kind: "slow" })]);
    await made.advance(1_000);
    assert.deepEqual([made.fired.loss, made.fired.pause, made.fired.slow], [0, 0, 0]);
  });

  it("replaces a container by draining it, and loses no call", async () => {
    const made = await small([], ["k1", "k2"]);
    const [client] = made.clients;
    const replies: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      made.clock.after(i * 20, () => replies.push(client?.call(METHOD, { text: "" }) ?? Promise.reject(new Error())));
    }
    made.clock.after(100, () => void made.replace("k1", 1_000));
    await made.advance(400);
    await made.settled(Promise.all(replies));
    assert.equal(made.containers[0]?.process.id, "k1.2");
    assert.deepEqual(made.violations(), []);
  });

  it("has the same trace for the same seed only", async () => {
    const run = async (seed: number) => {
      const made = await world({ seed, containers: [{ name: "k1", components: greeter }], clients: 1 });
      await made.settled(made.clients[0]?.call(METHOD, { text: "" }) ?? Promise.reject(new Error("no client")));
      return made.trace.hash;
    };
    assert.equal(await run(3), await run(3));
    assert.notEqual(await run(3), await run(4));
  });
});
