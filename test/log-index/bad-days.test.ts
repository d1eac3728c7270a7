// Bad input and bad days of files: what happens to logs and to the index itself, and what of it a question may notice.

import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { seededRandom } from "../../src/base/random.ts";
import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { type Added, ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, readPlainly, scanPlainly } from "./plain-scan.ts";

const { clock } = systemEnv();
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function sample(lines: number, seed = 1): string[] {
  const parts = [...sampleLog({ lines, days: 3, seed, start: 1_431_907_200, format: "combined" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

/** A folder of logs with its chunk. */
async function place(segmentRows = 100) {
  const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
  folders.push(folder);
  const chunk = join(folder, ".chunk");
  const logs = join(folder, "logs");
  mkdirSync(logs);
  const path = join(logs, "access.log");
  const add = async (...paths: string[]): Promise<Added[]> => {
    const writer = new ChunkWriter({ folder: chunk, segmentRows });
    const added: Added[] = [];
    for (const each of paths.length === 0 ? [path] : paths) added.push(await writer.addFile(each, { format: "auto" }));
    writer.flush();
    writer.close();
    return added;
  };
  const open = async (told: string[] = []): Promise<Chunk> => {
    const opened = new Chunk({ folder: chunk, name: "logs", clock, told: (text) => told.push(text) });
    await opened.wakeUp().catch(() => {});
    return opened;
  };
  const all = async (): Promise<readonly string[]> => {
    const opened = await open();
    const { lines, gaps } = await ask(opened, ALWAYS);
    opened.sleep();
    assert.deepEqual(gaps, []);
    return lines;
  };
  return { folder, chunk, logs, path, add, open, all };
}

describe("a log with bad lines", () => {
  it("is read: cut lines, junk and a line of 1 MB are counted, with their line and why", async () => {
    const { path, add, all } = await place();
    const good = sample(50);
    const long = `${good[0]} ${"x".repeat(1 << 20)}`;
    const bad = [good[1]?.slice(0, 30) ?? "", "\u0000\u00fe\u00ff", "y".repeat(1 << 20)];
    writeFileSync(path, textOf([...good.slice(0, 10), ...bad, long, ...good.slice(10)]), "latin1");
    const [added] = await add();
    assert.ok(added?.outcome === "read");
    assert.deepEqual([added.records, added.bad], [51, 3]);
    assert.deepEqual(
      added.badLines.map(({ line }) => line),
      [11, 12, 13],
    );
    assert.match(added.badLines[0]?.why ?? "", /no \[time\]/);
    assert.ok((await all()).includes(long));
  });

  it("waits for the end of its last line", async () => {
    const { path, add, all } = await place();
    const [first = "", second = ""] = sample(2);
    writeFileSync(path, `${first}\n${second.slice(0, -5)}`);
    const [added] = await add();
    assert.deepEqual(await all(), [first]);
    assert.ok(added?.outcome === "read" && added.pending === second.length - 5);
    appendFileSync(path, `${second.slice(-5)}\n`);
    await add();
    assert.deepEqual((await all()).length, 2);
  });

  it("is left alone where it is no log at all", async () => {
    const { path, add } = await place();
    writeFileSync(path, "once upon a time\nthere was a file\n");
    assert.deepEqual(
      (await add()).map(({ outcome }) => outcome),
      ["no-format"],
    );
  });
});

describe("a log that changes while it is indexed", () => {
  it("grows, is rotated and packed, and no line is lost or twice there", async () => {
    const { path, logs, add, all } = await place();
    const lines = sample(700);
    const stages: (() => void)[] = [
      () => writeFileSync(path, textOf(lines.slice(0, 200))),
      () => appendFileSync(path, textOf(lines.slice(200, 300))),
      () => {
        renameSync(path, `${path}.1`);
        writeFileSync(path, textOf(lines.slice(300, 400)));
      },
      () => {
        writeFileSync(`${path}.1.gz`, gzipSync(readFileSync(`${path}.1`)));
        rmSync(`${path}.1`);
        appendFileSync(path, textOf(lines.slice(400, 500)));
      },
      () => {
        writeFileSync(`${path}.2.zst`, zstdCompressSync(readFileSync(path)));
        writeFileSync(path, textOf(lines.slice(500)));
      },
      () => copyFileSync(path, join(logs, "copy.log")),
    ];
    for (const stage of stages) {
      stage();
      await add(
        ...readdirSync(logs)
          .sort()
          .map((name) => join(logs, name)),
      );
    }
    assert.deepEqual(await all(), scanPlainly(lines, ALWAYS));
  });

  it("is truncated: what was read stays, and what is written from then on is read", async () => {
    const { path, add, all } = await place();
    const lines = sample(300);
    writeFileSync(path, textOf(lines.slice(0, 200)));
    await add();
    truncateSync(path, 2_000);
    assert.deepEqual(
      (await add()).map(({ outcome }) => outcome),
      ["truncated"],
    );
    writeFileSync(path, textOf(lines.slice(200)));
    await add();
    assert.deepEqual(await all(), scanPlainly(lines, ALWAYS));
  });

  it("is deleted: its records are still found, and asleep too", async () => {
    const { path, add, open } = await place();
    const lines = sample(200);
    writeFileSync(path, textOf(lines));
    await add();
    rmSync(path);
    const asleep = await open();
    asleep.sleep();
    const { lines: found, gaps } = await ask(asleep, ALWAYS);
    assert.deepEqual(found, scanPlainly(lines, ALWAYS));
    assert.deepEqual(gaps, []);
    asleep.sleep();
  });

  it("is asked while it is appended to and tidied, and every answer is one moment of it", async () => {
    const { path, chunk, open } = await place();
    const lines = sample(1_200);
    const writer = new ChunkWriter({ folder: chunk, segmentRows: 100 });
    writeFileSync(path, textOf(lines.slice(0, 40)));
    await writer.addFile(path, { format: "auto" });
    writer.flush();
    const reader = await open();
    let count = 40;
    for (let step = 1; step < 30; step++) {
      const answer = reader.find(ALWAYS)[Symbol.asyncIterator]();
      const first = await answer.next();
      appendFileSync(path, textOf(lines.slice(step * 40, step * 40 + 40)));
      await writer.addFile(path, { format: "auto" });
      if (step % 3 === 0) writer.tidy({ everything: true });
      else writer.flush();
      let found = first.done === true || "gap" in first.value ? 0 : first.value.batch.count;
      for (let next = await answer.next(); next.done !== true; next = await answer.next()) {
        assert.ok("batch" in next.value);
        found += next.value.batch.count;
      }
      assert.ok(found >= count && found <= step * 40, `${found} of ${step * 40}`);
      count = found;
    }
    reader.sleep();
    writer.close();
  });
});

describe("an index with flipped bytes", () => {
  it("is found out wherever they are, and made again from the raw log: no answer is ever wrong", async () => {
    const { path, chunk, add, open } = await place(120);
    const lines = sample(400);
    writeFileSync(path, textOf(lines));
    await add();
    const random = seededRandom(7);
    const someone = readPlainly(lines[10] ?? "")?.address.v4 ?? 0;
    const one = { ...ALWAYS, addresses: new AddressSet([[someone, someone]], []) };
    const rounds = Math.min(Number(process.env["UNUM_SEEDS"] ?? 40), 200);
    for (let round = 0; round < rounds; round++) {
      const files = readdirSync(chunk).filter((name) => /\.(?:seg|post)$/.test(name));
      const file = join(chunk, files[random.below(files.length)] ?? "");
      const at = random.below(statSync(file).size);
      const bytes = readFileSync(file);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(file, bytes);
      const told: string[] = [];
      const damaged = await open(told);
      const wrong = await damaged.valid();
      assert.equal(wrong.length > 0, true, `${file} at ${at} was not found out`);
      for (const query of [ALWAYS, one]) {
        const { lines: found, gaps } = await ask(damaged, query);
        assert.deepEqual(gaps, []);
        assert.deepEqual(found, scanPlainly(lines, query), `${file} at ${at}`);
      }
      damaged.sleep();
      if ((await damaged.valid()).length === 0) continue;
      // No question read that byte; a repair does.
      await damaged.repair();
      assert.deepEqual(await damaged.valid(), [], `${file} at ${at}`);
    }
  });

  it("whose text is damaged is made again while the question waits, for lines alone and whatever the road", async () => {
    const { path, chunk, add, open } = await place(1_000);
    const lines = sample(400);
    writeFileSync(path, textOf(lines));
    await add();
    const someone = readPlainly(lines[10] ?? "")?.address.v4 ?? 0;
    for (const section of ["strings", "string-index", "tails", "tail-checks"]) {
      for (const query of [ALWAYS, { ...ALWAYS, addresses: new AddressSet([[someone, someone]], []) }]) {
        const [name = ""] = readdirSync(chunk).filter((each) => each.endsWith(".seg"));
        const file = join(chunk, name);
        const bytes = readFileSync(file);
        // The trailer says where each section lies.
        const { sections } = JSON.parse(
          bytes.subarray(bytes.length - 16 - bytes.readUInt32LE(bytes.length - 16), -16).toString(),
        );
        const at = sections[section].at + 3;
        bytes[at] = (bytes[at] ?? 0) ^ 4;
        writeFileSync(file, bytes);
        const told: string[] = [];
        const damaged = await open(told);
        const count = await damaged.tally(query, {});
        assert.equal(count.count, scanPlainly(lines, query).length);
        assert.deepEqual(told, [], "who counts does not meet it");
        const { lines: found, gaps } = await ask(damaged, query);
        damaged.sleep();
        assert.deepEqual([found, gaps], [scanPlainly(lines, query), []], section);
        assert.match(told.join(), /made again from its raw files/);
      }
    }
  });

  it("answers without the damaged part where the raw log is gone, and names what is missing", async () => {
    const { path, chunk, add, open } = await place(100);
    const lines = sample(300);
    writeFileSync(path, textOf(lines));
    await add();
    rmSync(path);
    const file = join(chunk, "s000002.seg");
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const told: string[] = [];
    const damaged = await open(told);
    const { lines: found, gaps } = await ask(damaged, ALWAYS);
    damaged.sleep();
    assert.equal(found.length, 200);
    assert.deepEqual(
      gaps.map(({ where }) => where),
      ["logs/s000002"],
    );
    assert.match(told.join("\n"), /raw files are gone/);
    const missing = lines.filter((line) => !found.includes(line)).map((line) => readPlainly(line)?.time ?? 0);
    assert.ok(missing.every((time) => gaps.some(({ from, to }) => from <= time && time < to)));
  });

  it("whose manifest cannot be believed is read again as a whole", async () => {
    const { path, chunk, add, open, all } = await place(100);
    const lines = sample(300);
    writeFileSync(path, textOf(lines));
    await add();
    const manifest = join(chunk, "manifest.json");
    writeFileSync(manifest, readFileSync(manifest, "latin1").replace('"rows":100', '"rows":101'));
    const damaged = await open();
    const { gaps } = await ask(damaged, ALWAYS);
    damaged.sleep();
    assert.match(gaps[0]?.why ?? "", /manifest\.json is damaged/);
    await add();
    assert.deepEqual(await all(), scanPlainly(lines, ALWAYS));
  });
});

describe("a question", () => {
  it("with every address, or with a million of them, is answered like any", async () => {
    const { path, add, open } = await place(1_000);
    const lines = sample(3_000);
    writeFileSync(path, textOf(lines));
    await add();
    const chunk = await open();
    const million = new AddressSet(
      Array.from({ length: 1_000_000 }, (_, i) => [i * 4_000, i * 4_000] as const),
      [],
    );
    for (const addresses of [AddressSet.parse(["0.0.0.0/0"]), million, AddressSet.parse(["0.0.0.0-255.255.255.255"])]) {
      const query = { ...ALWAYS, addresses };
      assert.deepEqual((await ask(chunk, query)).lines, scanPlainly(lines, query));
    }
    chunk.sleep();
  });

  it("with times swapped, or an address that is none, is refused with the way out", () => {
    assert.throws(() => AddressSet.parse(["10.0.0.0/33"]), /0 to 32 bits/);
    assert.throws(() => AddressSet.parse(["10.0.0.9-10.0.0.1"]), /ends before it begins/);
    assert.throws(() => AddressSet.parse(["10.0.0"]), /is no address; write/);
  });
});
