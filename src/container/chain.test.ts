import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageShape } from "@bufbuild/protobuf";
import { First, Second, type StepSchema, Third } from "../../test/gen/unum/test/v1/chain_pb.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { newClient } from "../client/client.ts";
import { runContainer } from "../node/run-container.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import type { Call } from "./call.ts";
import { type ComponentOptions, component } from "./component.ts";

type Step = MessageShape<typeof StepSchema>;

const contracts = { First, Second, Third };
type Name = keyof typeof contracts;

/** Goes the next step of the way, and adds itself to what comes back. */
async function go(name: Name, step: Step, call: Call): Promise<Step | { passed: string[] }> {
  // Others may come in before the next step.
  await null;
  const [next, ...way] = step.way;
  const passed = [...step.passed, name];
  if (next === undefined) return { passed };
  // The way holds names of the contracts above.
  return call.of(contracts[next as Name]).go({ way, passed });
}

const componentOf = (name: Name, options: ComponentOptions = {}) =>
  component(contracts[name], { go: (step, call) => go(name, step, call) }, options);

const noNetwork = { listen: () => Promise.reject(new Error()), connect: () => Promise.reject(new Error()) };

/** Containers by id, each with the contracts it serves; all know of all. */
async function world(containers: Record<string, Name[]>, options: ComponentOptions = {}) {
  const clock = new VirtualClock();
  const direct = new DirectNetwork();
  const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
  const find = (path: string) => {
    const contract = path.slice("unum.test.v1.".length, path.indexOf("/"));
    return Object.entries(containers).flatMap(([id, names]) =>
      names.some((name) => name === contract) ? [`direct://${id}`] : [],
    );
  };
  for (const [id, names] of Object.entries(containers)) {
    await runContainer({
      env,
      id,
      components: names.map((name) => componentOf(name, options)),
      transports: [direct.transport()],
      listen: [`direct://${id}`],
      find,
    });
  }
  const client = newClient({ env, transports: [direct.transport()], to: find });
  return { client, clock };
}

describe("a call chain", () => {
  it("enters the container whose frame waits for it", async () => {
    const { client } = await world({ k1: ["First", "Second"] });
    const { passed } = await client.of(First).go({ way: ["Second"] });
    assert.deepEqual(passed, ["First", "Second"]);
  });

  it("comes back to a container through another one", async () => {
    const { client } = await world({ k1: ["First", "Third"], k2: ["Second"] });
    const { passed } = await client.of(First).go({ way: ["Second", "Third"] });
    assert.deepEqual(passed, ["First", "Second", "Third"]);
  });

  it("is a cycle where it comes back to the component that waits", async () => {
    const { client } = await world({ k1: ["First"], k2: ["Second"] });
    await assert.rejects(client.of(First).go({ way: ["Second", "First"] }), {
      name: "ApplicationError",
      type: "Fault.cycle",
      message: /First\/Go waits for itself.*reentrant/,
    });
  });

  it("may come back to a component that is declared reentrant", async () => {
    const { client } = await world({ k1: ["First"], k2: ["Second"] }, { reentrant: true });
    const { passed } = await client.of(First).go({ way: ["Second", "First", "Second"] });
    assert.deepEqual(passed, ["First", "Second", "First", "Second"]);
  });

  it("ends after 32 frames", async () => {
    const { client } = await world({ k1: ["First"], k2: ["Second"] }, { reentrant: true });
    const way = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "Second" : "First"));
    await assert.rejects(client.of(First).go({ way }), { message: /33 calls deep, the limit is 32/ });
  });

  it("does not let a foreign chain in", async () => {
    const { client, clock } = await world({ k1: ["First", "Second"], k2: ["Third"] });
    let entered = false;
    // Holds k1 until the time to live ends: Third calls nobody, so nothing here belongs to its chain.
    const holding = client.of(First).go({ way: ["Third", "Third"] }, { ttlMs: 50 });
    const other = client
      .of(Second)
      .go({}, { ttlMs: 100 })
      .then(() => {
        entered = true;
      });
    await assert.rejects(holding);
    await clock.advance(100);
    await other;
    assert.equal(entered, true);
  });

  it("ends by deadline where two chains wait for each other", async () => {
    const { client, clock } = await world({ k1: ["First"], k2: ["Second"] });
    const there = assert.rejects(client.of(First).go({ way: ["Second"] }, { ttlMs: 100 }));
    const back = assert.rejects(client.of(Second).go({ way: ["First"] }, { ttlMs: 100 }));
    await clock.advance(101);
    await there;
    await back;
  });

  it("shrinks time to live and scope on its way", async () => {
    const seen: number[] = [];
    const direct = new DirectNetwork();
    const clock = new VirtualClock();
    const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
    const components = [
      component(First, { go: (_, call) => call.of(Second).go({}, { ttlMs: 10_000 }) }),
      component(Second, {
        go: (_, call) => {
          seen.push(call.msLeft);
          return {};
        },
      }),
    ];
    const transports = [direct.transport()];
    await runContainer({ env, id: "k1", components, transports, listen: ["direct://k1"] });
    const client = newClient({ env, transports: [direct.transport()], to: ["direct://k1"] });
    await client.of(First).go({}, { ttlMs: 20 });
    assert.deepEqual(seen, [20]);
  });
});
