import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Modes, TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { Fault, type FaultCode } from "../base/fault.ts";
import { seededRandom } from "../base/random.ts";
import { bodyOf } from "../messages/contract.ts";
import { type Envelope, Kind, refuse, replyTo } from "../messages/envelope.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import { newClient } from "./client.ts";
import type { CallOptions } from "./options.ts";

type Answers = (request: Envelope, nth: number) => Envelope | undefined;

function answer(text: string): Answers {
  return (request) => ({ ...replyTo(request), value: bodyOf(TextSchema, { text }), from: ["k"] });
}

function refusing(code: FaultCode): Answers {
  return (request) => refuse(request, new Fault(code, `said ${code}`));
}

const silent: Answers = () => undefined;

/** Receivers by name, each answering as told; what reached them is kept. */
async function world(receivers: Record<string, Answers>, to = Object.keys(receivers)) {
  const clock = new VirtualClock();
  const direct = new DirectNetwork();
  const arrived: string[] = [];
  const server = direct.transport();
  for (const [name, answers] of Object.entries(receivers)) {
    let nth = 0;
    await server.listen(`direct://${name}`, (request) => {
      arrived.push(request.kind === Kind.CANCEL ? `cancel ${name}` : name);
      const reply = request.kind === Kind.CANCEL ? replyTo(request) : answers(request, nth++);
      return reply === undefined ? new Promise(() => {}) : Promise.resolve(reply);
    });
  }
  const client = newClient({
    env: { clock, random: seededRandom(1) },
    transports: [direct.transport()],
    to: to.map((name) => `direct://${name}`),
    limit: 3,
  });
  const call = async (options: CallOptions = {}) =>
    (await client.call(Modes.method.plain, { text: "?" }, options)).text;
  return { clock, direct, arrived, client, call };
}

describe("a client", () => {
  it("asks the next address after a refusal, and says who was asked", async () => {
    const { client, arrived } = await world({
      full: refusing("overloaded"),
      gone: refusing("undeliverable"),
      free: answer("here"),
    });
    const reply = await client.request(Modes.method.plain, { text: "?" });
    assert.equal(reply.value.text, "here");
    assert.deepEqual(arrived, ["full", "gone", "free"]);
    assert.deepEqual(
      reply.tried.map(({ at, end }) => [at, end]),
      [
        ["direct://full", "overloaded"],
        ["direct://gone", "undeliverable"],
        ["direct://free", "answered"],
      ],
    );
  });

  it("asks each once and reports what tells most when all refuse", async () => {
    const { call, arrived } = await world({
      a: refusing("not-found"),
      b: refusing("overloaded"),
      c: refusing("undeliverable"),
    });
    await assert.rejects(call(), { code: "overloaded", message: "said overloaded" });
    assert.deepEqual(arrived, ["a", "b", "c"]);
  });

  it("looks for capacity again within the time given", async () => {
    const { call, clock } = await world({
      busy: (request, nth) => (nth < 3 ? refusing("overloaded") : answer("at last"))(request, nth),
    });
    const reply = call({ withinMs: 500 });
    await clock.advance(500);
    assert.equal(await reply, "at last");
  });

  it("gives up looking when that time is over", async () => {
    const { call, clock } = await world({ busy: refusing("overloaded") });
    const refused = assert.rejects(call({ withinMs: 50, ttlMs: 10_000 }), { code: "overloaded" });
    await clock.advance(51);
    await refused;
  });

  it("says what it was refused with before, where nobody is left to be asked", async () => {
    const { clock, direct } = await world({ busy: refusing("overloaded") });
    let known = ["direct://busy"];
    const client = newClient({
      env: { clock, random: seededRandom(1) },
      transports: [direct.transport()],
      to: () => known,
    });
    const options = { withinMs: 50, ttlMs: 10_000 };
    const refused = assert.rejects(client.call(Modes.method.plain, { text: "?" }, options), { code: "overloaded" });
    await clock.advance(1);
    known = [];
    await clock.advance(100);
    await refused;
  });

  it("reports 'unknown' when no answer comes by the deadline, and tells the receiver", async () => {
    const { call, clock, arrived } = await world({ mute: silent });
    const late = assert.rejects(call({ ttlMs: 50 }), {
      code: "unknown",
      message: /direct:\/\/mute .*within its 50 ms.*idempotencyKey/,
    });
    await clock.advance(50);
    await late;
    assert.deepEqual(arrived, ["mute", "cancel mute"]);
  });

  it("does not send again what may have run", async () => {
    const { call, arrived } = await world({ lost: refusing("unknown"), free: answer("twice") });
    await assert.rejects(call(), { code: "unknown" });
    assert.deepEqual(arrived, ["lost"]);
  });

  it("sends again what may have run when it has an idempotency key", async () => {
    const { call, arrived } = await world({ lost: refusing("unknown"), free: answer("again") });
    assert.equal(await call({ idempotencyKey: "k" }), "again");
    assert.deepEqual(arrived, ["lost", "free"]);
  });

  it("never reports 'not started' once an attempt may have been", async () => {
    const { call, clock } = await world({ lost: refusing("unknown"), full: refusing("overloaded") });
    const unknown = assert.rejects(call({ idempotencyKey: "k", ttlMs: 300 }), { code: "unknown" });
    await clock.advance(300);
    await unknown;
  });

  it("does not ask elsewhere what is wrong everywhere", async () => {
    const { call, arrived } = await world({ a: refusing("invalid"), b: answer("no") });
    await assert.rejects(call(), { code: "invalid" });
    assert.deepEqual(arrived, ["a"]);
  });

  it("has an answer where no address is known", async () => {
    const { call } = await world({});
    await assert.rejects(call(), {
      code: "undeliverable",
      message: /no address is known for unum\.test\.v1\.Modes\/Plain/,
    });
  });

  it("ignores a reply after the outcome", async () => {
    const { client, clock } = await world({ mute: silent });
    const controller = new AbortController();
    const call = client.call(Modes.method.plain, { text: "?" }, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(call, { code: "cancelled", message: /enough/ });
    await clock.advance(10_000);
  });

  it("does not send what was withdrawn before", async () => {
    const { call, arrived } = await world({ a: answer("x") });
    await assert.rejects(call({ signal: AbortSignal.abort(new Error("never mind")) }), {
      code: "cancelled",
      message: /never mind/,
    });
    assert.deepEqual(arrived, []);
  });

  it("refuses more calls at a time than its limit", async () => {
    const { call, clock } = await world({ mute: silent });
    const held = [1, 2, 3].map(() => assert.rejects(call({ ttlMs: 20 }), { code: "unknown" }));
    await assert.rejects(call(), { code: "overloaded", message: /3 calls of this client.*limit is 3/ });
    await clock.advance(20);
    await Promise.all(held);
    await assert.rejects(call({ ttlMs: 0 }), { code: "invalid", message: /ttlMs 0/ });
  });

  it("gives turns to equals and prefers who has fewer calls open", async () => {
    const { call, arrived, clock } = await world({ a: silent, b: answer("b") });
    const stuck = assert.rejects(call({ ttlMs: 100 }), { code: "unknown" });
    for (let i = 0; i < 4; i++) await call();
    assert.deepEqual(arrived, ["a", "b", "b", "b", "b"]);
    await clock.advance(100);
    await stuck;
  });

  it("keeps to this computer with scope 'local'", async () => {
    const { client } = await world({ a: answer("near") });
    const far = newClient({
      env: { clock: new VirtualClock(), random: seededRandom(1) },
      transports: [new DirectNetwork().transport()],
      to: ["tls://far.example:1"],
    });
    assert.equal((await client.call(Modes.method.plain, { text: "" }, { scope: "local" })).text, "near");
    await assert.rejects(far.call(Modes.method.plain, { text: "" }, { scope: "local" }), { code: "undeliverable" });
  });
});
