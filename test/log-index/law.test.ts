// The law of the log index: any index of any records under any question equals the plain scan of all lines.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { openSnapshot } from "../../src/log-index/chunk/snapshot.ts";
import { gatherPostings, gatherRows } from "../../src/log-index/find/gather.ts";
import { slicesOf, stretchesOf } from "../../src/log-index/find/plan.ts";
import type { Query } from "../../src/log-index/find/query.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { systemEnv } from "../../src/system/env.ts";
import { log, question } from "./lines.ts";
import { ALWAYS, answerOf, ask, readPlainly, scanPlainly } from "./plain-scan.ts";

const RUNS = { numRuns: Math.min(Number(process.env["UNUM_SEEDS"] ?? 30), 300) };

const folders: string[] = [];
function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  return folder;
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly from: number;
  readonly length: number;
  readonly addresses: readonly string[] | undefined;
}

const queryOf = ({ from, length, addresses }: Asked): Query => ({
  from,
  to: from + length,
  ...(addresses === undefined ? {} : { addresses: AddressSet.parse(addresses) }),
});

/** Written in as many steps as there are parts, each taken in before the next is written. */
async function indexed(
  parts: readonly (readonly string[])[],
  segmentRows: number,
): Promise<{ folder: string; writer: ChunkWriter }> {
  const folder = scratch();
  const path = join(folder, "access.log");
  const writer = new ChunkWriter({ folder: join(folder, "chunk"), segmentRows });
  for (const [i, part] of parts.entries()) {
    writeFileSync(path, part.map((line) => `${line}\n`).join(""), { flag: i === 0 ? "w" : "a", encoding: "latin1" });
    await writer.addFile(path, { format: "common" });
    writer.flush();
  }
  return { folder: join(folder, "chunk"), writer };
}

describe("an index", () => {
  it("answers as the plain scan does: awake, asleep, by rows, by postings, tidied", async () => {
    const { clock } = systemEnv();
    await fc.assert(
      fc.asyncProperty(
        fc.array(log, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(question, { minLength: 1, maxLength: 4 }),
        async (parts, segmentRows, questions) => {
          const { folder, writer } = await indexed(parts, segmentRows);
          const lines = parts.flat();
          const chunk = new Chunk({ folder, name: "test", clock });
          const queries = [ALWAYS, ...questions.map(queryOf)];
          const wanted = queries.map((query) => scanPlainly(lines, query));
          const asleep = await Promise.all(queries.map(async (query) => (await ask(chunk, query)).lines));
          await chunk.wakeUp();
          const awake = await Promise.all(queries.map(async (query) => (await ask(chunk, query)).lines));
          const snapshot = openSnapshot(folder);
          const byRows = await Promise.all(queries.map((query) => linesBy("rows", snapshot, query)));
          const byPostings = await Promise.all(queries.map((query) => linesBy("postings", snapshot, query)));
          for (const each of [...snapshot.segments, ...snapshot.postings]) each.close();
          chunk.sleep();
          writer.tidy({ everything: true });
          const tidied = new Chunk({ folder, name: "test", clock });
          await tidied.wakeUp();
          const after = await Promise.all(queries.map(async (query) => (await ask(tidied, query)).lines));
          tidied.sleep();
          writer.close();
          assert.deepEqual(awake, wanted);
          assert.deepEqual(asleep, wanted);
          assert.deepEqual(byRows, wanted);
          assert.deepEqual(
            byPostings.map((found) => found ?? []),
            wanted.map((found, i) => (byPostings[i] === undefined ? [] : found)),
          );
          assert.deepEqual(after, wanted);
        },
      ),
      RUNS,
    );
  });

  it("counts as the plain scan does: each address, different ones, over time", async () => {
    const { clock } = systemEnv();
    await fc.assert(
      fc.asyncProperty(log, fc.integer({ min: 1, max: 60 }), question, async (lines, segmentRows, asked) => {
        const { folder, writer } = await indexed([lines], segmentRows);
        const query = queryOf(asked);
        const chunk = new Chunk({ folder, name: "test", clock });
        await chunk.wakeUp();
        const tally = await chunk.tally(query, { addresses: true, sketch: true, bucketSeconds: 60 });
        const quick = await chunk.tally(query, { sketch: true, bucketSeconds: 60 });
        chunk.sleep();
        writer.close();
        const found = scanPlainly(lines, query).map((line) => readPlainly(line));
        const counts = new Map<string, number>();
        const buckets = new Map<number, number>();
        for (const read of found) {
          const key = JSON.stringify(read?.address);
          counts.set(key, (counts.get(key) ?? 0) + 1);
          const bucket = Math.floor((read?.time ?? 0) / 60);
          buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
        }
        const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);
        assert.equal(tally.count, found.length);
        assert.equal(tally.addresses.different, counts.size);
        assert.deepEqual(sorted([...tally.addresses.all()].map(({ count }) => count)), sorted(counts.values()));
        assert.equal(tally.sketch.estimate(), counts.size, "so few, that the sketch is exact");
        assert.equal(quick.sketch.estimate(), counts.size);
        assert.equal(quick.count, found.length);
        for (const each of [tally, quick])
          assert.deepEqual(
            new Map([...each.buckets].sort(([a], [b]) => a - b)),
            new Map([...buckets].sort(([a], [b]) => a - b)),
          );
      }),
      RUNS,
    );
  });
});

/** Undefined where the question names no addresses, so that there is no such road. */
async function linesBy(
  road: "rows" | "postings",
  snapshot: ReturnType<typeof openSnapshot>,
  query: Query,
): Promise<readonly string[] | undefined> {
  const { addresses } = query;
  const batches =
    road === "rows"
      ? [...slicesOf(snapshot, query.from, query.to)].map((slice) => gatherRows(snapshot, slice, addresses))
      : addresses === undefined
        ? undefined
        : [gatherPostings(snapshot, stretchesOf(snapshot, query.from, query.to), addresses, 3)];
  if (batches === undefined) return undefined;
  return (
    await answerOf(
      (async function* () {
        for (const batch of batches) yield { batch };
      })(),
    )
  ).lines;
}
