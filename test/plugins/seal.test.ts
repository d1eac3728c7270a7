import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { silentLog } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { newClient } from "../../src/client/client.ts";
import { component } from "../../src/container/component.ts";
import type { Envelope } from "../../src/messages/envelope.ts";
import { encodeEnvelope } from "../../src/messages/envelope-encoder.ts";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { runContainer } from "../../src/node/run-container.ts";
import { type Seal, sealing } from "../../src/plugins/seal.ts";
import { systemClock } from "../../src/system/clock.ts";
import { DirectNetwork } from "../../src/transports/direct.ts";
import type { Transport } from "../../src/transports/transport.ts";
import { Modes } from "../gen/unum/test/v1/services_pb.ts";

function aes(key: Uint8Array, name = "aes"): Seal {
  return {
    name,
    seal(plain, about) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, about) {
      const cipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12)).setAAD(Buffer.from(about));
      cipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]);
    },
  };
}

const SECRET = "nobody reads this on the way";
const noNetwork = { listen: () => Promise.reject(new Error()), connect: () => Promise.reject(new Error()) };

async function world({ client: ofClient, container: ofContainer }: { client?: Seal; container?: Seal }) {
  const clock = systemClock();
  const direct = new DirectNetwork();
  const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
  const with_ = (transport: Transport, seal: Seal | undefined) =>
    seal === undefined ? transport : sealing(transport, seal);
  const seen: string[] = [];
  const same = <T>(input: T) => input;
  const modes = component(Modes, {
    ...{ plain: same, async: same, broadcast: same },
    sync: (input, call) => {
      seen.push(Buffer.from(call.state ?? []).toString());
      return input;
    },
    async *plainStream(input) {
      yield input;
    },
    async *stream(input) {
      for (let i = 0; i < 3; i++) yield input;
    },
  });
  await runContainer({
    ...{ env, id: "k1", components: [modes] },
    transports: [with_(direct.transport(), ofContainer)],
    listen: ["direct://k1"],
  });
  /** Everything that went over the network below the seal. */
  const wire: Envelope[] = [];
  const tapped = direct.transport();
  const tap: Transport = {
    ...tapped,
    send: (to, request) => {
      wire.push(request);
      return tapped.send(to, request)?.then((reply) => {
        wire.push(reply);
        return reply;
      });
    },
  };
  const client = newClient({ env, transports: [with_(tap, ofClient)], to: ["direct://k1"] });
  const said = () => Buffer.concat(wire.map((envelope) => encodeEnvelope(envelope, 0))).toString("latin1");
  return { client, wire, said, seen, raw: tapped };
}

const key = randomBytes(32);

describe("a seal", () => {
  it("keeps values, items and state from the network, and neither caller nor component notices", async () => {
    const { client, said, seen } = await world({ client: aes(key), container: aes(key) });
    const state = Buffer.from(SECRET);
    const reply = await client.request(Modes.method.sync, { text: SECRET }, { state });
    assert.equal(reply.value.text, SECRET);
    assert.deepEqual([seen[0], Buffer.from(reply.state ?? []).toString()], [SECRET, SECRET]);
    const items = await Array.fromAsync(client.stream(Modes.method.stream, { text: SECRET }, { credit: 1 }));
    assert.deepEqual(
      items.map(({ text }) => text),
      [SECRET, SECRET, SECRET],
    );
    const accepted = await client.send(Modes.method.async, { text: SECRET });
    assert.equal((await accepted.result()).text, SECRET);
    const [outcome] = await client.broadcast(Modes.method.broadcast, { text: SECRET });
    assert.ok(outcome !== undefined && "value" in outcome && outcome.value.text === SECRET);
    assert.ok(!said().includes(SECRET));
    const open = await world({});
    await open.client.call(Modes.method.sync, { text: SECRET });
    assert.ok(open.said().includes(SECRET));
  });

  it("is a must for who calls a container that has it, and not for its control plane", async () => {
    const { client, seen } = await world({ container: aes(key) });
    await assert.rejects(client.of(Modes).sync({}), { code: "denied", message: /takes only calls sealed with aes/ });
    await assert.rejects((await world({ client: aes(key, "other"), container: aes(key) })).client.of(Modes).sync({}), {
      code: "denied",
    });
    await assert.rejects(
      (await world({ client: aes(randomBytes(32)), container: aes(key) })).client.of(Modes).sync({}),
      {
        code: "denied",
        message: /was not sealed with aes for this call/,
      },
    );
    assert.equal((await client.of(Container).ping({})).container, "k1");
    assert.equal(seen.length, 0);
  });

  it("is never read as a message by a container that has none", async () => {
    const { client, seen } = await world({ client: aes(key) });
    await assert.rejects(client.of(Modes).sync({ text: SECRET }), { code: "not-found", message: /Sync;seal=aes/ });
    assert.equal(seen.length, 0);
  });

  it("opens nowhere but in its own call: not as another's, not under another path, not as an answer", async () => {
    const { client, wire, raw, seen } = await world({ client: aes(key), container: aes(key) });
    await client.call(Modes.method.sync, { text: SECRET });
    const [request, reply] = wire;
    if (request === undefined || reply === undefined) return assert.fail();
    const forged: Envelope[] = [
      { ...request, id: 99 },
      { ...request, from: ["mallory"] },
      { ...request, to: request.to.replace("Sync", "Plain") },
      { ...request, value: reply.value },
      { ...request, value: new Uint8Array(3) },
    ];
    for (const each of forged) {
      const answer = await raw.send("direct://k1", { ...each, deadline: Number.MAX_SAFE_INTEGER });
      assert.ok(answer?.failure !== undefined && "code" in answer.failure, "refused");
      assert.equal(answer.failure.code, "denied");
    }
    assert.equal(seen.length, 1);
  });

  it("tells a caller whose answer was exchanged on the way that it is not known", async () => {
    const seal = aes(key);
    const { client } = await world({ client: { ...seal, open: () => assert.fail("not ours") }, container: seal });
    await assert.rejects(client.of(Modes).sync({}), {
      code: "unknown",
      message: /was not sealed with aes for this call/,
    });
  });
});
