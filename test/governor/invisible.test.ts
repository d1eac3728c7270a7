// Governors and doors are not there for components: whatever they call, nobody names them one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "../../src/base/fault.ts";
import { component } from "../../src/container/component.ts";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { Door } from "../../src/messages/gen/unum/control/v1/door_pb.ts";
import { GatewayKeeper } from "../../src/messages/gen/unum/control/v1/gateway_pb.ts";
import { Governed } from "../../src/messages/gen/unum/control/v1/governed_pb.ts";
import { Node } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import { nodeWorld } from "../../src/testing/node-world.ts";
import { First, Second } from "../gen/unum/test/v1/chain_pb.ts";

const CONTROL = [Container, Door, GatewayKeeper, Governed, Machine, Node];
const PATHS = CONTROL.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`));

/** Asks for everything that governors, doors and containers answer, and says what came of it. */
const spying = component(First, {
  go: async (_, call) => {
    const passed: string[] = [];
    for (const contract of CONTROL) {
      for (const method of contract.methods) {
        const asked = call.call(method as typeof Container.method.ping, {}, { ttlMs: 2_000, withinMs: 100 });
        const end = await asked.then(
          () => "answered",
          (error: unknown) => (error instanceof Fault ? `${error.code}: ${error.message}` : String(error)),
        );
        passed.push(`${contract.typeName}/${method.name} ${end}`);
      }
    }
    return { passed };
  },
});

describe("a component", () => {
  it("is led to components only: no governor, no door and no control plane, its own node's or another's", async () => {
    const world = await nodeWorld({
      seed: 1,
      components: { spy: () => [spying, component(Second, { go: () => ({ passed: ["seen"] }) })] },
      nodes: ["a", "b"].map((name) => ({ name, cpus: 2, code: "spy", limits: { node: { containers: 2 } } })),
    });
    await world.advance(5_000);
    assert.deepEqual((await world.settled(world.client(0).call(Second.method.go, {}, {}))).passed, ["seen"]);
    const { passed } = await world.settled(world.client(0).call(First.method.go, {}, { ttlMs: 600_000 }));
    const wrong = passed.filter((text) => !/ undeliverable: no address is known for unum\./.test(text));
    assert.deepEqual(wrong, []);
    assert.equal(passed.length, PATHS.length);
  });
});
