import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { Chunk } from "../src/log-index/chunk/chunk.ts";
import { ChunkWriter } from "../src/log-index/chunk/chunk-writer.ts";
import { recordOf } from "../src/log-index/find/batch.ts";
import { sampleLog } from "../src/log-index/sample/sample-log.ts";
import { CHUNK, noteFacts, withFolder } from "../src/log-index/tree/config.ts";
import { systemEnv } from "../src/system/env.ts";
import { thisMachine } from "./harness/machine.ts";
import { type Spread, spreadOf } from "./harness/statistics.ts";
import { asleepFigures } from "./logs/asleep.ts";
import { duckDb } from "./logs/duckdb.ts";
import { type Figure, single, timed } from "./logs/figure.ts";
import { openMany } from "./logs/many-records.ts";
import { serversFigures } from "./logs/many-servers.ts";
import { askIndex, type Checked, kindsOf, type Peer, type Question } from "./logs/questions.ts";
import { restFigure } from "./logs/rest.ts";
import { type Sqlite, type SqliteRow, sqlite } from "./logs/sqlite.ts";

const START = 1_430_438_400;
/** A peer gets as many of a round's questions as it answers in this time, and never fewer than these. */
const PEER_MS = 500;
const LEAST_ASKED = 3;
/** An address of the middle, asked for first of all. */
const FIRST = 0x80_00_00_01;
/** Asked before what counts, so that the code is compiled as that of a server that runs; peers come compiled. */
const WARM_QUESTIONS = 2_000;
/** Rows that are handed to SQLite at once. */
const SQLITE_ROWS = 200_000;

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "3e6" },
    days: { type: "string", default: "31" },
    rounds: { type: "string", default: "5" },
    format: { type: "string", default: "common" },
    "no-sqlite": { type: "boolean", default: false },
    "no-duckdb": { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const lines = values.quick ? 200_000 : Number(values.lines);
const days = Number(values.days);
const rounds = Number(values.rounds);
const format = values.format === "combined" ? "combined" : "common";
const END = START + days * 86_400;

const figures: Figure[] = [];
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Made once for its size, and kept while it is younger than the machine. */
function logFile(folder: string): string {
  const path = join(folder, `${format}-${lines}-${days}.log`);
  if (existsSync(path)) return path;
  say(`writing ${lines} lines`);
  const fd = openSync(`${path}.new`, "w");
  for (const part of sampleLog({ lines, days, seed: 1, start: START, format })) writeSync(fd, part);
  closeSync(fd);
  renameSync(`${path}.new`, path);
  return path;
}

const base = join(tmpdir(), "unum-bench-logs");
mkdirSync(base, { recursive: true });
const log = logFile(base);
const work = join(base, `work-${process.pid}`);
mkdirSync(work, { recursive: true });

try {
  const home = join(work, "index");
  const folder = join(home, "bench", CHUNK);
  const ours = await timed(async () => {
    const writer = new ChunkWriter({ folder });
    const added = await writer.addFile(log, { format: "common" });
    if (added.outcome !== "read" || added.records !== lines) throw new Error(`read ${JSON.stringify(added)}`);
    writer.tidy({ everything: true });
    writer.close();
  });
  const residentMb = process.resourceUsage().maxRSS / 1024;
  noteFacts(join(home, "bench"));
  noteFacts(home, (config) => withFolder(config, "bench"));
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  say(`read by the log index: ${((lines / ours.ms) * 1000) | 0} lines/s/core`);

  const { clock } = systemEnv();
  const chunk = new Chunk({ folder, name: "bench", clock });
  const opened = await timed(() => chunk.wakeUp());
  const first = await timed(() => askIndex(chunk, { from: START, to: END, ranges: [[FIRST, FIRST]] }));
  const peers: Peer[] = [];
  const ingest: Record<string, Spread> = { unum: single((lines / ours.ms) * 1000) };
  const versions: Record<string, string> = {};
  if (!values["no-duckdb"]) {
    const duck = await duckDb(work);
    versions["duckdb"] = duck.version;
    const loaded = await timed(() => duck.load(log));
    const sorted = await timed(() => duck.sort());
    ingest["duckdb table"] = single((lines / loaded.ms) * 1000);
    ingest["duckdb sorted copy"] = single((lines / (loaded.ms + sorted.ms)) * 1000);
    peers.push(duck);
    say("read by DuckDB");
  }
  if (!values["no-sqlite"]) {
    const lite = sqlite(work);
    ingest["sqlite"] = single((lines / (await loadSqlite(chunk, lite))) * 1000);
    peers.push(lite);
    say("read by SQLite (from records in memory, not from text)");
  }
  figures.push({
    what: "ingest with all indexes",
    unit: "lines/s of processor",
    goal: ">= 2e6, 2x DuckDB",
    values: ingest,
  });
  figures.push({
    what: "resident at most while reading",
    unit: "MB",
    goal: "<= 512",
    values: { unum: single(residentMb) },
  });
  figures.push({
    what: "bytes a record",
    unit: "B",
    goal: format === "common" ? "<= 21" : "-",
    values: { unum: single(bytes / lines), "gzip of the text": single(gzipBytes()) },
  });
  figures.push({ what: "cold open", unit: "ms", goal: "<= 50", values: { unum: single(opened.ms) } });
  figures.push({
    what: "cold open, and the first answer: one address, month",
    unit: "ms of processor",
    values: { unum: single(opened.ms + first.ms) },
  });

  const kinds = await kindsOf(chunk, START, END, lines);
  for (const kind of kinds) {
    for (let i = 0; i < WARM_QUESTIONS; i += kind.questions.length)
      for (const question of kind.questions) await askIndex(chunk, question);
    const samples: Record<string, number[]> = {};
    let records = 0;
    for (let round = 0; round < rounds; round++) {
      const wanted: Checked[] = [];
      const mine = await timed(async () => {
        for (const question of kind.questions) wanted.push(await askIndex(chunk, question));
      });
      record(samples, "unum", mine.ms / kind.questions.length, round);
      records = wanted.reduce((sum, { count }) => sum + count, 0) / Math.max(1, wanted.length);
      for (const peer of peers) {
        for (const name of peer.names) {
          let asked = 0;
          const startedAt = performance.now();
          const theirs = await timed(async () => {
            for (const question of kind.questions) {
              if (asked >= LEAST_ASKED && performance.now() - startedAt > PEER_MS) break;
              same(await peer.ask(name, question), wanted[asked], name, question);
              asked++;
            }
          });
          record(samples, name, theirs.ms / asked, round);
        }
      }
    }
    const spreads = Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, spreadOf(list)]));
    figures.push({
      what: `${kind.name} (${Math.round(records)} records)`,
      unit: "ms of processor",
      goal: `<= ${kind.goalMs}`,
      values: spreads,
    });
  }
  const approximate: Record<string, number[]> = {};
  const exact = (await chunk.tally({ from: START, to: END }, { addresses: true })).addresses.different;
  let sketched = 0;
  for (let round = 0; round < rounds; round++) {
    const ours = await timed(async () =>
      (await chunk.tally({ from: START, to: END }, { sketch: true })).sketch.estimate(),
    );
    sketched = ours.result;
    record(approximate, "unum", ours.ms, round);
    for (const peer of peers)
      for (const name of peer.names) record(approximate, name, (await timed(() => peer.distinct(name))).ms, round);
  }
  figures.push({
    what: "distinct addresses, month, approximate (SQLite: exact)",
    unit: "ms of processor",
    goal: "<= 10",
    values: Object.fromEntries(Object.entries(approximate).map(([name, list]) => [name, spreadOf(list)])),
  });
  const off = Math.abs(sketched - exact) / exact;
  figures.push({
    what: `its error (${exact} are different)`,
    unit: "%",
    goal: "<= 1",
    values: { unum: single(off * 100) },
  });

  figures.push(...(await asleepFigures({ chunk, log, work, kinds, from: START, to: END })));
  figures.push(await restFigure(home, kinds[0]?.questions ?? []));
  figures.push(...(await serversFigures(join(work, "servers"))));
  if (!values.quick) {
    for (const records of [200e6, 1e9]) {
      const many = await openMany(join(work, `many-${records}`), records);
      const what = `${Math.round(many.records / 1e6)} million records`;
      const [openMs, mb] = records === 200e6 ? [{ goal: "<= 200" }, { goal: "<= 300" }] : [{}, {}];
      figures.push({ what: `cold open of ${what}`, unit: "ms", ...openMs, values: { unum: single(many.openMs) } });
      figures.push({
        what: `resident with ${what} open, then with all that questions hold in memory`,
        unit: "MB",
        ...mb,
        values: { open: single(many.openedMb), asked: single(many.askedMb) },
      });
    }
  }
  report(versions);
} finally {
  rmSync(work, { recursive: true, force: true });
  if (!values.keep) rmSync(log, { force: true });
}
process.exit(0);

/** Milliseconds of processor that SQLite took for all records of the chunk, which come from memory and not from text. */
async function loadSqlite(chunk: Chunk, lite: Sqlite): Promise<number> {
  let ms = 0;
  let rows: SqliteRow[] = [];
  const load = async () => {
    ms += (await timed(() => lite.load(rows))).ms;
    rows = [];
  };
  for await (const part of chunk.find({ from: START, to: END })) {
    if ("gap" in part) throw new Error(part.gap.why);
    for (let i = 0; i < part.batch.count; i++) {
      const { time, status, size, line } = recordOf(part.batch, i);
      const request = line.slice(line.indexOf('"') + 1, line.lastIndexOf('"'));
      rows.push({ ip: part.batch.addresses[i] ?? 0, time, status, size, request });
    }
    if (rows.length >= SQLITE_ROWS) await load();
  }
  await load();
  return ms + (await timed(() => lite.finish())).ms;
}

function record(samples: Record<string, number[]>, name: string, ms: number, round: number): void {
  // The first round warms compilers and caches up.
  if (round === 0 && rounds > 1) return;
  samples[name] ??= [];
  samples[name].push(ms);
}

function same(theirs: Checked, ours: Checked | undefined, name: string, question: Question): void {
  if (ours === undefined || theirs.count !== ours.count || theirs.times !== ours.times || theirs.sizes !== ours.sizes)
    throw new Error(
      `${name} found ${JSON.stringify(theirs)}, the log index ${JSON.stringify(ours)} for ${JSON.stringify(question).slice(0, 200)}`,
    );
}

/** Bytes a record of the log's first lines, packed. */
function gzipBytes(): number {
  const some = Math.min(lines, 300_000);
  const text = sampleLog({ lines: some, days: (days * some) / lines, seed: 1, start: START, format });
  return gzipSync(Buffer.concat([...text])).length / some;
}

function report(versions: Record<string, string>): void {
  const machine = thisMachine();
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ machine, versions, lines, days, format, figures })}\n`);
    return;
  }
  process.stdout.write(
    `${lines} lines, ${days} days, ${format}; ${machine.processor}, ${machine.processors} processors, load ${machine.loadBefore.toFixed(1)}; Node ${machine.versions["node"]}, DuckDB ${versions["duckdb"] ?? "-"}\n\n`,
  );
  for (const { what, unit, goal, values: spreads } of figures) {
    const list = Object.entries(spreads).map(
      ([name, { median, least, most }]) =>
        `${name} ${short(median)}${least === most ? "" : ` (${short(least)}-${short(most)})`}`,
    );
    process.stdout.write(`${what}, ${unit}${goal === undefined ? "" : ` [goal ${goal}]`}\n    ${list.join(";  ")}\n`);
  }
}

function short(value: number): string {
  return value >= 1e5
    ? value.toExponential(2)
    : value >= 100
      ? value.toFixed(0)
      : value >= 1
        ? value.toFixed(2)
        : value.toFixed(4);
}
