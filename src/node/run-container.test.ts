import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { createFileRegistry } from "@bufbuild/protobuf";
import { First, Second } from "../../test/gen/unum/test/v1/chain_pb.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { newClient } from "../client/client.ts";
import { component } from "../container/component.ts";
import { Container } from "../messages/gen/unum/control/v1/container_pb.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import { runContainer } from "./run-container.ts";
import { VERSION } from "./version.ts";

const noNetwork = { listen: () => Promise.reject(new Error()), connect: () => Promise.reject(new Error()) };

async function world(components = [component(First, { go: (step) => step }, { version: "1.2.3", budgetMs: 50 })]) {
  const clock = new VirtualClock();
  const direct = new DirectNetwork();
  const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
  const container = await runContainer({
    env,
    id: "k1",
    components,
    transports: [direct.transport()],
    listen: ["direct://k1"],
  });
  const client = newClient({ env, transports: [direct.transport()], to: ["direct://k1"] });
  return { clock, env, direct, container, client };
}

describe("a running container", () => {
  it("describes what it serves, with the schema to speak to it", async () => {
    const { client } = await world();
    const description = await client.of(Container).describe({});
    assert.equal(description.container, "k1");
    assert.equal(description.unum, VERSION);
    assert.deepEqual(
      description.components.map(({ contract, version, budgetMs, methods }) => ({
        contract,
        version,
        budgetMs,
        method: methods[0]?.name,
      })),
      [{ contract: "unum.test.v1.First", version: "1.2.3", budgetMs: 50, method: "Go" }],
    );
    assert.ok(description.schema);
    const registry = createFileRegistry(description.schema);
    assert.equal(registry.getService("unum.test.v1.First")?.methods[0]?.input.typeName, "unum.test.v1.Step");
  });

  it("answers on the control plane while a call holds its turn", async () => {
    const { client, clock } = await world([component(First, { go: () => new Promise<never>(() => {}) })]);
    const held = assert.rejects(client.of(First).go({}, { ttlMs: 100 }), { code: "unknown" });
    const { load } = await client.of(Container).ping({});
    assert.equal(load?.running, 1);
    await clock.advance(100);
    await held;
  });

  it("takes another inbox limit while it runs", async () => {
    const { client, clock } = await world([component(First, { go: () => new Promise<never>(() => {}) })]);
    await client.of(Container).setLimits({ inbox: 0 });
    const held = assert.rejects(client.of(First).go({}, { ttlMs: 100 }), { code: "unknown" });
    await assert.rejects(client.of(First).go({}, { ttlMs: 100 }), { code: "overloaded" });
    await clock.advance(100);
    await held;
  });

  it("closes after the command to drain has been answered", async () => {
    const { client, container, clock } = await world();
    const { left } = await client.of(Container).drain({ graceMs: 100 });
    assert.equal(left, 0);
    await clock.advance(1);
    await container.closed;
    await assert.rejects(client.of(First).go({}), { code: "undeliverable" });
  });

  it("does not serve when a start hook throws, and leaves nothing behind", async () => {
    const bad = component(Second, { go: (step) => step }, { start: () => Promise.reject(new Error("no disk")) });
    await assert.rejects(world([bad]), { message: "no disk" });
  });

  it("refuses a second component of the same contract", async () => {
    const twin = () => component(First, { go: (step) => step });
    await assert.rejects(world([twin(), twin()]), { code: "invalid", message: /First is served twice/ });
  });

  it("says the version that package.json says", async () => {
    const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
    assert.equal(JSON.parse(text).version, VERSION);
  });
});
