// The table of every question of doors and containers, against the contracts themselves: no method without its rule.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Container } from "../../messages/gen/unum/control/v1/container_pb.ts";
import { Door } from "../../messages/gen/unum/control/v1/door_pb.ts";
import { GatewayKeeper } from "../../messages/gen/unum/control/v1/gateway_pb.ts";
import { Governed } from "../../messages/gen/unum/control/v1/governed_pb.ts";
import { Node } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { Functions } from "../../messages/gen/unum/machine/v1/functions_pb.ts";
import { Machine } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { Outbox } from "../../messages/gen/unum/machine/v1/outbox_pb.ts";
import { Store } from "../../messages/gen/unum/machine/v1/store_pb.ts";
import { Timer } from "../../messages/gen/unum/machine/v1/timer_pb.ts";
import { RULES, ruleOf } from "./commands.ts";
import { NEEDED } from "./roles.ts";

describe("the table of commands", () => {
  it("has a row for every method of the control plane, and none for anything else", () => {
    const methods = [Container, Door, Functions, GatewayKeeper, Governed, Node, Machine, Outbox, Store, Timer].flatMap(
      ({ typeName, methods: all }) => all.map(({ name }) => `${typeName}/${name}`),
    );
    assert.deepEqual([...RULES.keys()].sort(), methods.sort());
  });

  it("names roles that there are", () => {
    for (const [path, rule] of RULES) if (rule.needs === "role") assert.ok(rule.command in NEEDED, path);
  });

  it("refuses what it does not know of the control plane, and leaves components to their contracts", () => {
    assert.deepEqual(ruleOf("unum.control.v1.Node/Explode"), { needs: "here" });
    assert.equal(ruleOf("thumbnails.v1.Shrink/Plan"), undefined);
  });
});
