// The journal in PostgreSQL, on a real server: the promises of every journal, and that one router alone owns a run.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { postgresJournals } from "unum/flows";
import { systemEnv } from "../../src/system/env.ts";
import { bytesOf, journalPromises, recordOf, textsOf } from "./journal-promises.ts";
import { type PostgresServer, postgresPrograms, postgresServer } from "./postgres-server.ts";

const skip =
  postgresPrograms() === undefined ? "PostgreSQL is not installed; scripts/test-services installs it" : false;

describe("PostgreSQL", { skip, timeout: 120_000 }, () => {
  let server: PostgresServer;
  let made = 0;
  const { clock } = systemEnv();
  const fresh = (leaseMs = 60_000) => postgresJournals({ pool: server.pool, clock, prefix: `t${++made}`, leaseMs });
  const endLease = () => server.pool.query(`UPDATE t${made}_runs SET owned_until = now() - interval '1 s'`);

  before(async () => {
    server = await postgresServer();
  });
  after(() => server.stop());

  journalPromises("the journal in PostgreSQL", async () => ({
    journals: await fresh(),
    crash: (journal) => journal.close(),
  }));

  it("refuses another router while the lease lasts, and the old one after it has lost the run", async () => {
    const journals = await fresh();
    const old = await journals.create(recordOf("a"));
    await old.append({ position: 1, bytes: bytesOf("one"), rows: undefined });
    await assert.rejects(journals.open("a"), { code: "denied" });
    await endLease();
    const heir = await journals.open("a");
    // The old one wakes up late.
    await assert.rejects(old.append({ position: 2, bytes: bytesOf("of the old one"), rows: undefined }), {
      code: "denied",
    });
    await heir.append({ position: 2, bytes: bytesOf("two"), rows: undefined });
    assert.deepEqual(await textsOf(heir), ["one", "two"]);
    await old.close();
    await heir.append({ position: 3, bytes: bytesOf("three"), rows: undefined });
    await heir.close();
  });

  it("is made once where several come at the same time", async () => {
    const prefix = `t${++made}`;
    const all = await Promise.all(
      Array.from({ length: 8 }, () => postgresJournals({ pool: server.pool, clock, prefix })),
    );
    assert.deepEqual(await all[0]?.list(), []);
  });

  it("reports a block that is not what was written", async () => {
    const journals = await fresh();
    const journal = await journals.create(recordOf("a"));
    for (let position = 1; position <= 3; position++)
      await journal.append({ position, bytes: bytesOf(`block ${position}`), rows: undefined });
    await journal.close();
    await server.pool.query(`UPDATE t${made}_blocks SET bytes = 'x' WHERE position = 2`);
    const again = await journals.open("a");
    assert.deepEqual(await textsOf(again), ["block 1"]);
    assert.match(again.damage[0] ?? "", /block 2 is not what was written/);
    await again.close();
  });
});
