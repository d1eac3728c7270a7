// What callers are told of other nodes, and of this one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { DirectoryNodeSchema } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { ownNode } from "./own-node.ts";
import { Telling } from "./telling.ts";

type Entry = readonly [id: string, owner: string, epoch: number];

const node = (id: string, ...all: readonly Entry[]) =>
  create(DirectoryNodeSchema, {
    id,
    containers: all.map(([name, owner, epoch]) => ({ id: name, owner, epoch: BigInt(epoch) })),
  });
const ledger = (epoch: number) => [{ program: "ledger", epoch, until: undefined }];

describe("callers are told", () => {
  it("of no container of a past owner, at once when a newer epoch is known, though nothing else has changed", () => {
    const nodes = [node("old", ["k1", "ledger", 3], ["k2", "", 0]), node("next", ["k3", "ledger", 4])];
    const telling = new Telling(new VirtualClock(), { nodes, changes: { who: 1, load: 1 } });
    const own = node("self");
    const told = (epoch: number) => {
      telling.tell([], own, ledger(epoch));
      return telling.directory.nodes.flatMap(({ containers }) => containers.map(({ id }) => id));
    };
    assert.deepEqual(told(3), ["k1", "k2", "k3"]);
    const { version } = telling.directory;
    assert.deepEqual(told(3), ["k1", "k2", "k3"]);
    assert.equal(telling.directory.version, version, "nothing is told twice");
    assert.deepEqual(told(4), ["k2", "k3"]);
    assert.ok(telling.directory.version > version);
  });

  it("of a node's own containers those that act for somebody, by which epoch", () => {
    const kept = (id: string) => ({ id, state: "serving", probed: true, addresses: [], components: [], load: {} });
    const acts = new Map([
      ["free", { owner: "", epoch: 0 }],
      ["owner", { owner: "ledger", epoch: 4 }],
    ]);
    const containers = ["free", "owner", "over"].map(kept);
    const view = {
      id: "self",
      host: "h",
      doors: [],
      gateway: undefined,
      offers: [],
      startable: 0,
      spareMs: 0,
      newMs: 0,
    };
    // Of a container it reads no more than these.
    const own = ownNode({ ...view, containers: containers as never, actsBy: ({ id }) => acts.get(id) });
    assert.deepEqual(
      own.containers.map(({ id, owner, epoch }) => [id, owner, Number(epoch)]),
      [
        ["free", "", 0],
        ["owner", "ledger", 4],
      ],
    );
  });
});
