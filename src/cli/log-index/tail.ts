// unum logs tail: the newest records of the index, and what comes.

import type { Command } from "commander";
import { sleep } from "../../base/clock.ts";
import { type LogRecord, recordsOf } from "../../log-index/find/batch.ts";
import type { Index } from "../../log-index/find/index.ts";
import type { Gap, Query } from "../../log-index/find/query.ts";
import { TIME_LIMIT } from "../../log-index/records/time.ts";
import { jsonRecord } from "../../log-index/server/answers.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { plain } from "../plain-text.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { type AskFlags, addAskOptions, queryOf } from "./ask-options.ts";
import { sayGaps } from "./gaps.ts";
import { openIndex } from "./home.ts";

interface TailFlags extends AskFlags {
  readonly lines: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const ASK_EVERY_MS = 500;

export function addTail(logs: Command, { terminal, end }: Stage): void {
  addAskOptions(
    logs
      .command("tail")
      .summary("the newest records, and what comes")
      .description(
        "Prints the newest records of the index, in order of time. With --follow it goes on with those that 'unum logs add --follow' or 'collect' takes in; one that comes late, before what was printed, is not printed.",
      ),
  )
    .option("-n, --lines <count>", "how many", parseLines, 10)
    .option("-f, --follow", "go on until Ctrl-C")
    .option("--json", "one JSON object a line")
    .addHelpText("after", examples(["unum logs tail --follow", "unum logs tail -n 100 --ip 66.249.73.0/24"]))
    .action(async (flags: TailFlags) => end(await tail(flags, terminal)));
}

async function tail(flags: TailFlags, terminal: Terminal): Promise<number> {
  const env = systemEnv();
  const query = queryOf(flags, env.clock.wallNow());
  const index = openIndex(flags, env, terminal);
  await index.wakeUp().catch(() => {});
  const { records, gaps } = await newest(index, query, flags.lines);
  print(records, flags, terminal);
  sayGaps(gaps, terminal);
  if (flags.follow) await follow(index, query, records, flags, terminal);
  index.sleep();
  if (terminal.unread.aborted) return EXIT.unread;
  return gaps.length > 0 ? EXIT.failed : EXIT.ok;
}

/** From ever further back, until there are enough. */
async function newest(index: Index, query: Query, count: number): Promise<{ records: LogRecord[]; gaps: Gap[] }> {
  const { from, to } = await index.facts();
  const end = Math.min(query.to, to + 1);
  for (let seconds = 60; ; seconds *= 8) {
    const start = Math.max(query.from, end - seconds);
    const found = await all(index, { ...query, from: Math.max(0, start), to: end });
    if (found.records.length >= count || start <= Math.max(from, query.from) || seconds > TIME_LIMIT)
      return { records: count === 0 ? [] : found.records.slice(-count), gaps: found.gaps };
  }
}

async function all(index: Index, query: Query): Promise<{ records: LogRecord[]; gaps: Gap[] }> {
  const records: LogRecord[] = [];
  const gaps: Gap[] = [];
  if (query.to <= query.from) return { records, gaps };
  for await (const part of index.find(query)) {
    if ("gap" in part) gaps.push(part.gap);
    else records.push(...recordsOf(part.batch));
  }
  return { records, gaps };
}

async function follow(
  index: Index,
  query: Query,
  shown: readonly LogRecord[],
  flags: TailFlags,
  terminal: Terminal,
): Promise<void> {
  const { clock } = systemEnv();
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  let time = shown.at(-1)?.time ?? (await index.facts()).to;
  // How many of that second were there already.
  let count = (await all(index, { ...query, from: time, to: time + 1 })).records.length;
  while (!signal.aborted) {
    await sleep(clock, ASK_EVERY_MS, signal).catch(() => {});
    const { records } = await all(index, { ...query, from: time });
    const fresh = records.slice(count);
    print(fresh, flags, terminal);
    const last = records.at(-1)?.time;
    if (last === undefined || fresh.length === 0) continue;
    time = last;
    count = records.filter((record) => record.time === last).length;
  }
  interrupt.release();
}

function print(records: readonly LogRecord[], { json }: TailFlags, terminal: Terminal): void {
  if (records.length === 0) return;
  terminal.print(records.map((record) => (json ? JSON.stringify(jsonRecord(record)) : plain(record.line))).join("\n"));
}

function parseLines(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= 1_000_000) return count;
  throw new UsageError(`'${text}' is not a number of lines from 0 to 1000000`);
}
