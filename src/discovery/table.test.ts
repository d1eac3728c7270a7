import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../base/random.ts";
import type { Contact, Content, Load } from "./knowledge.ts";
import { mergeStatus, STATES, type Status } from "./status.ts";
import { type NodeRecord, Table } from "./table.ts";

const plain = { noNullPrototype: true } as const;
const incarnation = fc.integer({ min: 1, max: 3 });
const contact: fc.Arbitrary<Contact> = fc.record(
  {
    incarnation,
    address: fc.record({ host: fc.constantFrom("127.0.0.1", "127.0.0.2"), port: fc.constantFrom(7_100, 7_101) }, plain),
    doors: fc.array(fc.constantFrom("ipc:///a", "tls://b:1"), { maxLength: 2 }),
  },
  plain,
);
const content: fc.Arbitrary<Content> = fc.record(
  { incarnation, version: fc.integer({ min: 1, max: 3 }), entry: fc.uint8Array({ maxLength: 2 }) },
  plain,
);
const load: fc.Arbitrary<Load> = fc.record(
  {
    incarnation,
    of: fc.integer({ min: 1, max: 2 }),
    version: fc.integer({ min: 1, max: 2 }),
    numbers: fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }),
  },
  plain,
);
const status: fc.Arbitrary<Status> = fc.record(
  {
    incarnation,
    state: fc.constantFrom(...STATES),
    until: fc.constantFrom(5, Number.POSITIVE_INFINITY),
    accusers: fc.constant([]),
  },
  plain,
);

type Piece = (table: Table, record: NodeRecord) => void;

const piece: fc.Arbitrary<Piece> = fc.oneof(
  contact.map((each) => (table: Table, record: NodeRecord) => void table.offerContact(record, each)),
  content.map((each) => (table: Table, record: NodeRecord) => void table.offerContent(record, each)),
  load.map((each) => (table: Table, record: NodeRecord) => void table.offerLoad(record, each)),
  status.map((each) => (table: Table, record: NodeRecord) => {
    table.setStatus(record, record.status === undefined ? each : mergeStatus(record.status, each), 0);
  }),
);

function knowledgeOf(pieces: readonly Piece[]) {
  const table = new Table("own", 10);
  const record = mustAdd(table, "other");
  for (const each of pieces) each(table, record);
  const { status, contact, content, load } = record;
  return { status, contact, content, load, live: table.live.length };
}

function mustAdd(table: Table, id: string): NodeRecord {
  const record = table.findOrAdd(id);
  assert.ok(record);
  return record;
}

function alive(table: Table, id: string): NodeRecord {
  const record = mustAdd(table, id);
  table.offerContact(record, { incarnation: 1, address: { host: "127.0.0.1", port: 1 }, doors: [] });
  table.setStatus(record, { incarnation: 1, state: "alive", until: Number.POSITIVE_INFINITY, accusers: [] }, 0);
  return record;
}

describe("the table", () => {
  it("knows the same whatever the order in which, and however often, it hears it", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), (pieces, seed) => {
        const random = seededRandom(seed);
        const again = [...pieces, ...pieces]
          .map((each) => ({ each, order: random.u32() }))
          .sort((a, b) => a.order - b.order)
          .map(({ each }) => each);
        assert.deepEqual(knowledgeOf(again), knowledgeOf(pieces));
      }),
      { numRuns: 3_000 },
    );
  });

  it("lists as live exactly those who are, can be reached and are others", () => {
    const ids = ["own", "a", "b", "c", "d"];
    const step = fc.record({ id: fc.constantFrom(...ids), state: fc.constantFrom(...STATES), reachable: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new Table("own", 10);
        for (const { id, state, reachable } of steps) {
          const record = mustAdd(table, id);
          if (reachable) table.offerContact(record, { incarnation: 1, address: { host: "h", port: 1 }, doors: [] });
          table.setStatus(record, { incarnation: 1, state, until: 0, accusers: [] }, 0);
        }
        const expected = [...table.records()].filter(
          ({ id, state, contact }) =>
            id !== "own" && contact !== undefined && (state === "alive" || state === "suspect"),
        );
        assert.deepEqual(new Set(table.live), new Set(expected));
        for (const [place, record] of table.live.entries()) assert.equal(record.place, place);
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes no further nodes at its limit, and counts them", () => {
    const table = new Table("own", 2);
    mustAdd(table, "a");
    mustAdd(table, "b");
    assert.equal(table.findOrAdd("c"), undefined);
    assert.ok(table.findOrAdd("a"));
    assert.equal(table.refused, 1);
  });

  it("picks different live ones, as many as asked for or as there are", () => {
    for (const count of [0, 1, 5, 40]) {
      const table = new Table("own", 100);
      for (let number = 0; number < count; number++) alive(table, `n${number}`);
      for (let seed = 0; seed < 20; seed++) {
        const picked = table.pick(3, seededRandom(seed), ({ id }) => id === "n0");
        assert.equal(new Set(picked).size, Math.min(3, Math.max(0, count - 1)));
        assert.ok(picked.every(({ id }) => id !== "n0"));
      }
    }
  });

  it("says who has changed, once", () => {
    const table = new Table("own", 10);
    const record = alive(table, "a");
    assert.deepEqual([...table.takeChanged()], ["a"]);
    table.setStatus(record, { incarnation: 1, state: "alive", until: Number.POSITIVE_INFINITY, accusers: [] }, 5);
    assert.equal(table.hasChanges, false);
    table.setStatus(record, { incarnation: 1, state: "suspect", until: Number.POSITIVE_INFINITY, accusers: [] }, 7);
    assert.deepEqual([...table.takeChanged()], ["a"]);
    assert.equal(record.since, 7);
  });
});
