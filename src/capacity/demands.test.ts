import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../base/random.ts";
import { Scope } from "../messages/envelope.ts";
import { demandsFor } from "./demands.ts";
import { DirectoryIndex, type NodeEntry } from "./directory.ts";

const OFFER = { contract: "demo.v1.Digest", version: "1.2.0" };

function node(id: string, set: Partial<NodeEntry> = {}): NodeEntry {
  return {
    id,
    doors: [`tcp://${id}:1`],
    containers: [],
    offers: [OFFER],
    spares: 0,
    startable: 1,
    newMs: 150,
    spareMs: 9,
    ...set,
  };
}

function demands(nodes: NodeEntry[], set: { range?: string; scope?: Scope; node?: string; seed?: number } = {}) {
  const { range = "", scope = Scope.ANYWHERE, seed = 1 } = set;
  const index = new DirectoryIndex({ nodes }, { node: set.node ?? "n1" });
  return demandsFor(index, { path: "demo.v1.Digest/OfFile", range, scope }, seededRandom(seed));
}

describe("demands", () => {
  const table: {
    says: string;
    nodes: NodeEntry[];
    set?: Parameters<typeof demands>[1];
    expected: [string, string][];
  }[] = [
    {
      says: "go to the own node first: to a warm container where it has one",
      nodes: [node("n2", { spares: 4 }), node("n1", { spares: 1 })],
      expected: [
        ["n1", "spare"],
        ["n2", "door"],
      ],
    },
    { says: "ask the own node for a new one where none is warm", nodes: [node("n1")], expected: [["n1", "new"]] },
    {
      says: "go to nodes with warm containers before those that must start one",
      nodes: [node("n2"), node("n3", { spares: 1 }), node("n4")],
      expected: [
        ["n3", "door"],
        ["n2", "door"],
        ["n4", "door"],
      ],
    },
    { says: "pass over who is full", nodes: [node("n1", { startable: 0 }), node("n2")], expected: [["n2", "door"]] },
    {
      says: "pass over who does not have the component, or another version",
      nodes: [node("n1", { offers: [] }), node("n2", { offers: [{ ...OFFER, version: "2.0.0" }] }), node("n3")],
      set: { range: "^1" },
      expected: [["n3", "door"]],
    },
    {
      says: "go to a machine's door after every node's",
      nodes: [node("m1", { machine: true, spares: 3 }), node("n2")],
      expected: [
        ["n2", "door"],
        ["m1", "door"],
      ],
    },
    {
      says: "do not pass a gateway where the scope is the network",
      nodes: [node("m1", { machine: true, spares: 3 }), node("n2")],
      set: { scope: Scope.NETWORK },
      expected: [["n2", "door"]],
    },
    {
      says: "stay on the node where the scope is local",
      nodes: [node("n1"), node("n2")],
      set: { scope: Scope.LOCAL },
      expected: [["n1", "new"]],
    },
  ];
  for (const { says, nodes, set, expected } of table) {
    it(says, () => {
      const found = demands(nodes, set).map(({ node: id, ring }): [string, string] => [id, ring]);
      // The order among equals is drawn.
      const sorted = (pairs: [string, string][]) =>
        says.includes("before") ? [pairs[0], ...pairs.slice(1).sort()] : pairs;
      assert.deepEqual(sorted(found), expected);
    });
  }

  it("spread over the other nodes, and are no more than eight", () => {
    const nodes = Array.from({ length: 30 }, (_, i) => node(`m${i}`));
    const firsts = new Set<string | undefined>();
    for (let seed = 0; seed < 200; seed++) {
      const found = demands(nodes, { seed });
      assert.equal(found.length, 8);
      firsts.add(found[0]?.node);
    }
    assert.ok(firsts.size > 20, `${firsts.size} doors were first`);
  });

  it("say how long it takes there", () => {
    assert.equal(demands([node("n1", { spares: 1 })])[0]?.expectedMs, 9);
    assert.equal(demands([node("n1")])[0]?.expectedMs, 150);
  });
});
