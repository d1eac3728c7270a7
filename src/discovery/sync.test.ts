import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Random, seededRandom } from "../base/random.ts";
import { SyncReplySchema, SyncRequestSchema } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { STATES } from "./status.ts";
import { answerSync, SYNC_LIMITS, SyncSession, statementsOf, syncBytes } from "./sync.ts";
import { Table } from "./table.ts";

const FOREVER = Number.POSITIVE_INFINITY;

function addNode(
  table: Table,
  id: string,
  of: { incarnation?: number; version?: number; entryBytes?: number } = {},
): void {
  const { incarnation = 1, version = 1, entryBytes = 200 } = of;
  const record = table.findOrAdd(id);
  assert.ok(record);
  table.offerContact(record, { incarnation, address: { host: "127.0.0.1", port: 7_100 }, doors: [`ipc:///${id}`] });
  table.setStatus(record, { incarnation, state: "alive", until: FOREVER, accusers: [] }, 0);
  table.offerContent(record, { incarnation, version, entry: new Uint8Array(entryBytes).fill(version) });
}

/** As the protocol would, without judging. */
function learn(table: Table, rumours: { rumours: readonly Uint8Array[] }): void {
  for (const statement of statementsOf(rumours)) {
    const record = table.findOrAdd(statement.id);
    if (record === undefined) continue;
    const { incarnation } = statement;
    if (statement.kind === "status") {
      const { state, accusers, contact } = statement;
      if (contact !== undefined) table.offerContact(record, { ...contact, incarnation });
      const known = record.status;
      if (
        known === undefined ||
        known.incarnation < incarnation ||
        STATES.indexOf(known.state) < STATES.indexOf(state)
      ) {
        table.setStatus(record, { incarnation, state, until: FOREVER, accusers }, 0);
      }
    } else if (statement.kind === "content" && statement.entry !== undefined) {
      table.offerContent(record, { incarnation, version: statement.version, entry: statement.entry });
    }
  }
}

/** One comparison; answers how many steps and bytes it took. */
function compare(asking: Table, answering: Table): { steps: number; bytes: number; mostBytes: number } {
  const session = new SyncSession(asking, { network: "n", id: "asking" }, 77);
  let steps = 0;
  let bytes = 0;
  let mostBytes = 0;
  for (let request = session.first(0); ; steps++) {
    const reply = answerSync(answering, { network: "n", id: "answering" }, request, 0);
    learn(answering, request);
    for (const statement of statementsOf(reply)) session.arrived(statement);
    learn(asking, reply);
    bytes += syncBytes(request) + syncBytes(reply);
    mostBytes = Math.max(mostBytes, syncBytes(request), syncBytes(reply));
    const next = session.next(reply, 0);
    if (next === undefined) return { steps: steps + 1, bytes, mostBytes };
    request = next;
  }
}

function contentsOf(table: Table): string[] {
  return [...table.records()]
    .map(({ id, status, content }) => `${id} ${status?.incarnation} ${content?.incarnation} ${content?.version}`)
    .sort();
}

function randomTables(random: Random): [Table, Table] {
  const tables: [Table, Table] = [new Table("asking", 5_000), new Table("answering", 5_000)];
  addNode(tables[0], "asking");
  addNode(tables[1], "answering");
  for (let number = 0; number < 60; number++) {
    const known = random.below(4);
    for (const [side, table] of tables.entries()) {
      if (known === side) continue;
      addNode(table, `n${number}`, { incarnation: 1 + random.below(2), version: 1 + random.below(2) });
    }
  }
  return tables;
}

describe("comparing tables", () => {
  it("leaves both with the newest of each node", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const [asking, answering] = randomTables(seededRandom(seed));
      compare(asking, answering);
      assert.deepEqual(contentsOf(asking), contentsOf(answering), `seed ${seed}`);
    }
  });

  it("costs little where nothing differs, however many nodes there are", () => {
    for (const nodes of [10, 2_000]) {
      const tables: [Table, Table] = [new Table("asking", 5_000), new Table("answering", 5_000)];
      for (const table of tables) {
        for (let number = 0; number < nodes; number++) addNode(table, `n${number}`);
        addNode(table, "asking");
        addNode(table, "answering");
      }
      const { steps, bytes } = compare(...tables);
      assert.equal(steps, 1);
      assert.ok(bytes < 1_000, `${bytes} bytes for ${nodes} nodes`);
    }
  });

  it("brings a whole network to one who joins, in steps of limited size", () => {
    const asking = new Table("asking", 5_000);
    addNode(asking, "asking");
    const answering = new Table("answering", 5_000);
    for (let number = 0; number < 3_000; number++) addNode(answering, `n${number}`, { entryBytes: 500 });
    const { mostBytes, steps } = compare(asking, answering);
    assert.equal([...asking.records()].length, 3_001);
    assert.ok(mostBytes < SYNC_LIMITS.rumourBytes * 1.1, `${mostBytes} bytes in one step`);
    assert.ok(steps < SYNC_LIMITS.steps);
  });

  it("brings entries that no datagram could hold", () => {
    const asking = new Table("asking", 10);
    addNode(asking, "asking");
    const answering = new Table("answering", 10);
    addNode(answering, "large", { entryBytes: 250_000 });
    compare(asking, answering);
    assert.equal(asking.find("large")?.content?.entry.length, 250_000);
  });

  it("does not teach what is about to be forgotten", () => {
    const [asking, answering] = [new Table("asking", 10), new Table("answering", 10)];
    addNode(asking, "asking");
    addNode(answering, "gone");
    const gone = answering.find("gone");
    assert.ok(gone);
    answering.setStatus(gone, { incarnation: 1, state: "left", until: 20_000, accusers: [] }, 0);
    compare(asking, answering);
    assert.equal(asking.find("gone"), undefined);
  });

  it("ends with a side that never gives what it promised", () => {
    const asking = new Table("asking", 10);
    addNode(asking, "asking");
    const session = new SyncSession(asking, { network: "n", id: "asking" }, 1);
    session.first(0);
    const promising = create(SyncReplySchema, { parts: [1], digests: [{ id: "ghost", incarnation: 9n }] });
    assert.ok(session.next(promising, 0));
    assert.equal(session.next(create(SyncReplySchema), 0), undefined);
  });

  const table = new Table("answering", 10);
  const self = { network: "n", id: "answering" };
  const refused: readonly [
    what: string,
    request: Parameters<typeof create<typeof SyncRequestSchema>>[1],
    says: RegExp,
  ][] = [
    ["of another network", { network: "m", from: "a" }, /'a' is of network 'm', this is 'n'/],
    ["from nobody", { network: "n", from: "" }, /from nobody/],
    ["with another number of hashes", { network: "n", from: "a", hashes: [1, 2] }, /2 hashes of a table; expected 64/],
    ["for too many nodes", { network: "n", from: "a", wanted: new Array(2_000).fill("x") }, /2000 wanted nodes/],
  ];
  for (const [what, request, says] of refused) {
    it(`refuses a request ${what}`, () => {
      assert.throws(() => answerSync(table, self, create(SyncRequestSchema, request), 0), { message: says });
    });
  }

  it("refuses rumours that are none, and too many", () => {
    assert.throws(() => statementsOf({ rumours: [new Uint8Array([1, 2, 3])] }), { code: "invalid" });
    assert.throws(() => statementsOf({ rumours: new Array(9_000).fill(new Uint8Array()) }), {
      message: /9000 rumours/,
    });
  });
});
