// How the log index grows with different addresses: logs in which no address comes twice, each several times as long as the one before.
//
//   npm run bench -- logs-unique [--most 30e6] [--json]
//
// Beyond 33 million records nothing of it changes but how many there are of each: segments have up to 2^20 records, a file of postings
// those of 32 segments. So what a billion takes is reckoned from the last row, and said beside it.

import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Chunk } from "../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../src/log-index/chunk/chunk-writer.ts";
import { AddressSet } from "../src/log-index/records/address-set.ts";
import { sampleLog } from "../src/log-index/sample/sample-log.ts";
import { systemEnv } from "../src/system/env.ts";
import { thisMachine } from "./harness/machine.ts";
import { timed } from "./logs/figure.ts";
import { askIndex } from "./logs/questions.ts";

const START = 1_430_438_400;
const DAYS = 31;
const END = START + DAYS * 86_400;
const SIZES = [1e6, 3e6, 10e6, 30e6, 100e6];
const ASKED = 2_000;
const BILLION = 1e9;

const { values } = parseArgs({
  options: { most: { type: "string", default: "10e6" }, json: { type: "boolean", default: false } },
});

interface Row {
  readonly records: number;
  /** Of them, those that are different; the sketch's word for it. */
  readonly different: number;
  readonly bytesARecord: number;
  readonly postingsBytesARecord: number;
  readonly nsALine: number;
  readonly residentMb: number;
  /** Processor time of one address over the month. */
  readonly addressUs: number;
}

const rows: Row[] = [];
for (const records of SIZES.filter((size) => size <= Number(values.most))) rows.push(await measured(records));
report();
process.exit(0);

async function measured(records: number): Promise<Row> {
  const work = mkdtempSync(join(tmpdir(), "unum-bench-logs-"));
  try {
    const log = join(work, "access.log");
    const fd = openSync(log, "w");
    const settings = {
      lines: records,
      days: DAYS,
      seed: 1,
      start: START,
      format: "common",
      isEachDifferent: true,
    } as const;
    for (const part of sampleLog(settings)) writeSync(fd, part);
    closeSync(fd);
    const folder = join(work, "chunk");
    const read = await timed(async () => {
      const writer = new ChunkWriter({ folder });
      await writer.addFile(log, { format: "common" });
      writer.tidy({ everything: true });
      writer.close();
    });
    const bytesOf = (ending: string) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(ending))
        .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const chunk = new Chunk({ folder, name: "unique", clock: systemEnv().clock });
    await chunk.wakeUp();
    const { sketch, count } = await chunk.tally({ from: START, to: END }, { sketch: true });
    if (count !== records) throw new Error(`${count} records of ${records}`);
    const questions = await addressesOf(chunk);
    const ask = async () => {
      for (const question of questions) if ((await askIndex(chunk, question)).count !== 1) throw new Error("not one");
    };
    await ask();
    const asked = await timed(ask);
    chunk.sleep();
    return {
      records,
      different: sketch.estimate(),
      bytesARecord: bytesOf("") / records,
      postingsBytesARecord: bytesOf(".post") / records,
      nsALine: (read.ms * 1e6) / records,
      residentMb: process.resourceUsage().maxRSS / 1024,
      addressUs: (asked.ms * 1000) / questions.length,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Questions of one address each, of which every one has one record. */
async function addressesOf(chunk: Chunk) {
  const found: number[] = [];
  const addresses = AddressSet.parse(["0.0.0.0/4"]);
  for await (const part of chunk.find({ from: START, to: END, addresses })) {
    if ("gap" in part) throw new Error(part.gap.why);
    for (const address of part.batch.addresses) if (found.length < ASKED) found.push(address);
    if (found.length === ASKED) break;
  }
  return found.map((ip) => ({ from: START, to: END, ranges: [[ip, ip] as const] }));
}

function report(): void {
  const machine = thisMachine();
  const last = rows.at(-1);
  const billionGb = ((last?.bytesARecord ?? Number.NaN) * BILLION) / 1e9;
  const billionMinutes = ((last?.nsALine ?? Number.NaN) * BILLION) / 1e9 / 60;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ machine, rows, billionGb, billionMinutes })}\n`);
    return;
  }
  process.stdout.write(
    `Every address once; ${machine.processor}, load ${machine.loadBefore.toFixed(1)}, Node ${machine.versions["node"]}\n\n`,
  );
  for (const row of rows) {
    const { records, different, bytesARecord, postingsBytesARecord, nsALine, residentMb, addressUs } = row;
    process.stdout.write(
      `${(records / 1e6).toFixed(0).padStart(4)} M records (about ${(different / 1e6).toFixed(2)} M addresses): ${bytesARecord.toFixed(2)} bytes a record, ${postingsBytesARecord.toFixed(2)} of it postings; ${nsALine.toFixed(0)} ns of processor a line; ${residentMb.toFixed(0)} MB resident at most so far; one address ${addressUs.toFixed(0)} µs\n`,
    );
  }
  process.stdout.write(
    `\nReckoned from the last row, not measured: a billion records of a billion addresses take ${billionGb.toFixed(1)} GB and ${billionMinutes.toFixed(1)} minutes of one processor\n`,
  );
}
