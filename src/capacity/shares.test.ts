import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Claim, type NodeShare, ownShare, targetsOf } from "./shares.ts";

function share(id: string, set: Partial<NodeShare> = {}): NodeShare {
  return { id, weight: 1, most: 100, ...set };
}

describe("targets of shares", () => {
  const table: [string, number, NodeShare[], number[]][] = [
    ["equal parts to equal nodes", 9, [share("a"), share("b"), share("c")], [3, 3, 3]],
    ["the remainder to the first of equals", 10, [share("a"), share("b"), share("c")], [4, 3, 3]],
    ["parts by weight", 10, [share("a", { weight: 4 }), share("b", { weight: 1 })], [8, 2]],
    ["what one cannot take to the others", 10, [share("a", { most: 2 }), share("b"), share("c")], [2, 4, 4]],
    ["no more than all can take", 10, [share("a", { most: 2 }), share("b", { most: 3 })], [2, 3]],
    ["nothing of nothing", 0, [share("a"), share("b")], [0, 0]],
    ["nothing to those without weight", 5, [share("a", { weight: 0 }), share("b", { weight: 0 })], [0, 0]],
    ["the remainder to who is nearest to one more", 10, [share("a", { weight: 4 }), share("b", { weight: 5 })], [4, 6]],
    ["nothing to a node that takes nothing", 5, [share("a", { most: 0 }), share("b")], [0, 5]],
  ];
  for (const [says, limit, nodes, expected] of table) {
    it(`are ${says}`, () => {
      const targets = targetsOf(limit, nodes);
      assert.deepEqual(
        nodes.map(({ id }) => targets.get(id) ?? 0),
        expected,
      );
    });
  }

  it("use the whole limit as far as the nodes can take it, and no more", () => {
    const nodes = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 64 }), most: fc.nat(40) }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(300), nodes, (limit, sets) => {
        const all = sets.map((set, i) => share(`n${i}`, set));
        const targets = targetsOf(limit, all);
        for (const { id, most } of all) assert.ok((targets.get(id) ?? 0) <= most);
        const sum = [...targets.values()].reduce((total, part) => total + part, 0);
        assert.equal(
          sum,
          Math.min(
            limit,
            all.reduce((total, { most }) => total + most, 0),
          ),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("the own share", () => {
  const own = { ...share("a"), share: 0 };
  const other = (id: string, claim: number, present = true): Claim => ({ ...share(id), claim, present });

  it("is raised only by what others have given back", () => {
    assert.equal(ownShare(10, own, [other("b", 10)]), 0);
    assert.equal(ownShare(10, own, [other("b", 7)]), 3);
    assert.equal(ownShare(10, own, [other("b", 5)]), 5);
  });

  it("is lowered at once", () => {
    assert.equal(ownShare(10, { ...own, share: 10 }, [other("b", 0)]), 5);
    assert.equal(ownShare(0, { ...own, share: 10 }, []), 0);
  });

  it("leaves room for another that is to get more too", () => {
    assert.equal(ownShare(9, own, [other("b", 0), other("c", 9)]), 0);
    assert.equal(ownShare(9, own, [other("b", 0), other("c", 3)]), 3);
  });

  it("leaves to the silent what they may be using", () => {
    assert.equal(ownShare(10, { ...own, share: 4 }, [other("b", 6, false)]), 4);
    assert.equal(ownShare(10, own, [other("b", 12, false)]), 0);
  });
});

describe("shares of nodes that hear of each other late, and in no order", () => {
  interface Node {
    readonly id: string;
    readonly most: number;
    share: number;
    running: number;
    limit: number;
    /** What it has heard of the others. */
    readonly heard: Map<string, number>;
  }
  const claimOf = ({ share: part, running }: Node) => Math.max(part, running);
  const step = fc.record({
    kind: fc.constantFrom("hear", "hear", "hear", "settle", "settle", "start", "end"),
    at: fc.nat(4),
    from: fc.nat(4),
  });

  it("never come to more than the limit together, and to the whole of it in the end", () => {
    const worlds = fc.record({
      most: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 5 }),
      limits: fc.array(fc.nat(24), { minLength: 1, maxLength: 3 }),
      steps: fc.array(step, { maxLength: 120 }),
    });
    fc.assert(
      fc.property(worlds, ({ most, limits, steps }) => {
        const nodes = most.map((each, i): Node => {
          return { id: `n${i}`, most: each, share: 0, running: 0, limit: 0, heard: new Map() };
        });
        // An old claim may come after a newer one was heard only as another version: here each hears what is so now.
        const hear = (node: Node, from: Node) => node.heard.set(from.id, claimOf(from));
        const settle = (node: Node) => {
          const others = nodes
            .filter((other) => other !== node)
            .map(({ id, most: limit }) => {
              return { id, weight: limit, most: limit, claim: node.heard.get(id) ?? 0, present: true };
            });
          const own = { id: node.id, weight: node.most, most: node.most, share: node.share };
          node.share = ownShare(node.limit, own, others);
        };
        const used = () => nodes.reduce((sum, node) => sum + claimOf(node), 0);
        for (const limit of limits) {
          for (const node of nodes) node.limit = limit;
          let before = used();
          for (const { kind, at, from } of steps) {
            const node = nodes[at % nodes.length];
            const other = nodes[from % nodes.length];
            if (node === undefined || other === undefined) continue;
            if (kind === "hear" && node !== other) hear(node, other);
            if (kind === "settle") settle(node);
            if (kind === "start" && node.running < node.share) node.running++;
            if (kind === "end" && node.running > 0) node.running--;
            assert.ok(used() <= Math.max(limit, before), `${used()} of ${limit}, ${before} before`);
            before = used();
          }
          for (let round = 0; round < 3; round++) {
            for (const node of nodes) {
              for (const other of nodes) if (other !== node) hear(node, other);
              settle(node);
              node.running = Math.min(node.running, node.share);
            }
          }
          const sum = nodes.reduce((all, node) => all + node.share, 0);
          assert.equal(
            sum,
            Math.min(
              limit,
              nodes.reduce((all, node) => all + node.most, 0),
            ),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
