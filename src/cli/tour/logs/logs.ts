// The chapter of the log index: a log on three servers, asked as one; one of them is killed in the middle.
//
//   a third here ──┐
//   a third at B ──┼── one question ──▶ compared with a plain scan of the whole log
//   a third at C ──┘   kill -9 C: what is missing is named; back again, the gap alone is fetched

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Index } from "../../../log-index/find/index.ts";
import type { Gap, Query } from "../../../log-index/find/query.ts";
import { AddressSet } from "../../../log-index/records/address-set.ts";
import { formatTime, TIME_LIMIT } from "../../../log-index/records/time.ts";
import { sampleLog } from "../../../log-index/sample/sample-log.ts";
import { addLogs, addUrl } from "../../../log-index/tree/add-logs.ts";
import { IndexDispatcher } from "../../../log-index/tree/index-dispatcher.ts";
import { formatMs } from "../../duration.ts";
import { thousands } from "../../log-index/numbers.ts";
import type { Chapter, ChapterEnd, ChapterStage } from "../chapter.ts";
import { type MiniserverProcess, startMiniserver } from "./miniserver-process.ts";
import { type PlainLine, plainLines, sameLines } from "./plain-scan.ts";

export const logs: Chapter = {
  name: "logs",
  description:
    "an access log on three servers is asked as one, while one of them is killed; every answer is checked by a plain scan",
  run,
};

/** Beside the checkout, where it is at hand. */
const REAL_LOG = join(import.meta.dirname, "../../../../../shared/data/apache_access.log");
const SAMPLE_LINES = 20_000;
const DEADLINE_MS = 10_000;

interface Check {
  readonly what: string;
  readonly found: number;
  readonly ms: number;
  readonly isRight: boolean;
}

async function run(stage: ChapterStage): Promise<ChapterEnd> {
  const home = await mkdtemp(join(tmpdir(), "unum-tour-logs-"));
  const servers: MiniserverProcess[] = [];
  try {
    return await work(home, servers, stage);
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    await rm(home, { recursive: true, force: true });
  }
}

async function work(
  home: string,
  servers: MiniserverProcess[],
  { env, options, signal, say }: ChapterStage,
): Promise<ChapterEnd> {
  const { text, from } = theLog(options.log);
  const { lines, others } = plainLines(text);
  say(`${thousands(lines.length)} lines of ${from}, a third on each of three servers`);
  const thirds = [0, 1, 2].map((third) => lines.filter((_, i) => i % 3 === third));
  const startedAt = env.clock.now();
  for (const [i, third] of thirds.entries()) await indexed(join(home, `server-${i}`), third, signal);
  const readMs = env.clock.now() - startedAt;
  for (const i of [1, 2]) {
    const server = await startMiniserver(join(home, `server-${i}`), 0, signal);
    servers.push(server);
    addUrl(join(home, "server-0"), `${server.url}web`, { name: `server-${i}` });
  }
  const root = new IndexDispatcher({ folder: join(home, "server-0"), name: "", clock: env.clock, fetch });
  await root.wakeUp();
  const checks: Check[] = [];
  const timed = async (what: string, ask: () => Promise<{ found: number; isRight: boolean }>) => {
    const at = env.clock.now();
    const answer = await ask();
    checks.push({ what, ms: env.clock.now() - at, ...answer });
  };
  const hour = busiestHour(lines);
  const ten = mostSeen(lines, 10);
  const query: Query = { ...hour, addresses: AddressSet.parse(ten.map(([address]) => address)) };
  const wanted = lines.filter(
    ({ time, address }) => time >= hour.from && time < hour.to && ten.some(([each]) => each === address),
  );
  await timed(`what did these 10 addresses do from ${formatTime(hour.from)} on, for an hour?`, async () => {
    const { found, gaps } = await asked(root, query);
    return { found: found.length, isRight: gaps.length === 0 && sameLines(found, wanted) };
  });
  const [someone = ["", 0] as const] = mostSeen(lines, 40).slice(-1);
  await timed(`when was ${someone[0]} ever seen?`, async () => {
    const tally = await root.tally({ ...ALWAYS, addresses: AddressSet.parse([someone[0]]) }, { addresses: true });
    const [count] = tally.addresses.all();
    const times = lines.filter(({ address }) => address === someone[0]).map(({ time }) => time);
    const isRight =
      count?.count === times.length && count.first === Math.min(...times) && count.last === Math.max(...times);
    return { found: count?.count ?? 0, isRight };
  });
  await timed("who came most often?", async () => {
    const tally = await root.tally(ALWAYS, { addresses: true });
    const counts = tally.addresses.top(10).map(({ count }) => count);
    return {
      found: tally.count,
      isRight: tally.count === lines.length && counts.every((count, i) => count === ten[i]?.[1]),
    };
  });
  const [, killed] = servers;
  if (killed === undefined) throw new Error("there is no server to kill");
  say(`kill -9 ${killed.pid}: a miniserver with a third of the log`);
  await killed.kill();
  let gap: Gap | undefined;
  await timed("the same hour, with one server dead", async () => {
    const { found, gaps } = await asked(root, query);
    gap = gaps[0];
    const rest = wanted.filter((line) => !new Set(thirds[2]).has(line));
    return { found: found.length, isRight: gaps.length === 1 && gap?.where === "server-2" && sameLines(found, rest) };
  });
  servers[1] = await startMiniserver(join(home, "server-2"), Number(new URL(killed.url).port), signal);
  await timed("what was missing alone, now that it is back", async () => {
    const index = root.at(gap?.where ?? "");
    const { found, gaps } =
      index === undefined || gap === undefined
        ? { found: [], gaps: [] }
        : await asked(index, { ...query, from: gap.from, to: gap.to });
    const missing = wanted.filter((line) => new Set(thirds[2]).has(line));
    return { found: found.length, isRight: index !== undefined && gaps.length === 0 && sameLines(found, missing) };
  });
  root.sleep();
  const sound = checks.every(({ isRight }) => isRight);
  return {
    sound,
    lines: [
      `log        ${thousands(lines.length)} lines of ${from}${others > 0 ? `, ${others} others` : ""}; read by three servers in ${formatMs(readMs)}`,
      ...checks.map(
        ({ what, found, ms, isRight }) =>
          `${isRight ? "right     " : "WRONG     "} ${what} ${thousands(found)} records in ${formatMs(ms)}`,
      ),
      `missing    ${gap === undefined ? "nothing was named" : `${gap.where}: ${gap.why}`}`,
    ],
    report: { log: from, lines: lines.length, checks, gap },
  };
}

const ALWAYS: Query = { from: 0, to: TIME_LIMIT };

/** The log that the user names, else the real one beside the checkout, else one that is made. */
function theLog(named: string | undefined): { readonly text: string; readonly from: string } {
  const path = named ?? (existsSync(REAL_LOG) ? REAL_LOG : undefined);
  if (path !== undefined) return { text: readFileSync(path, "latin1"), from: path };
  const parts = sampleLog({ lines: SAMPLE_LINES, days: 2, seed: 1, start: 1_431_820_800, format: "combined" });
  return {
    text: Buffer.concat([...parts]).toString("latin1"),
    from: "a sample made for it (no log is at hand; --log names one)",
  };
}

async function indexed(home: string, lines: readonly PlainLine[], signal: AbortSignal): Promise<void> {
  const raw = join(home, "raw");
  mkdirSync(raw, { recursive: true });
  writeFileSync(join(raw, "access.log"), lines.map(({ line }) => `${line}\n`).join(""), "latin1");
  await addLogs({ home, path: raw, name: "web", format: "auto", signal });
}

async function asked(
  index: Index,
  query: Query,
): Promise<{ readonly found: readonly string[]; readonly gaps: readonly Gap[] }> {
  const found: string[] = [];
  const gaps: Gap[] = [];
  for await (const part of index.find(query, { deadlineMs: DEADLINE_MS })) {
    if ("gap" in part) gaps.push(part.gap);
    else for (let i = 0; i < part.batch.count; i++) found.push(Buffer.from(part.batch.line(i)).toString("latin1"));
  }
  return { found, gaps };
}

function busiestHour(lines: readonly PlainLine[]): { readonly from: number; readonly to: number } {
  const counts = new Map<number, number>();
  for (const { time } of lines) counts.set(Math.floor(time / 3600), (counts.get(Math.floor(time / 3600)) ?? 0) + 1);
  const [[hour = 0] = []] = [...counts].sort(([, a], [, b]) => b - a);
  return { from: hour * 3600, to: (hour + 1) * 3600 };
}

function mostSeen(lines: readonly PlainLine[], limit: number): readonly (readonly [address: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { address } of lines) counts.set(address, (counts.get(address) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, limit);
}
