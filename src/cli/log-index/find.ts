// unum logs find: the records of a span of time and of addresses.

import type { Command } from "commander";
import { Fault } from "../../base/fault.ts";
import { type Batch, recordOf } from "../../log-index/find/batch.ts";
import type { Index } from "../../log-index/find/index.ts";
import type { Estimate, Gap, Query } from "../../log-index/find/query.ts";
import { CSV_TITLES, csvRow, jsonRecord } from "../../log-index/server/answers.ts";
import { systemEnv } from "../../system/env.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { durationOption } from "../options.ts";
import { plain } from "../plain-text.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { type AskFlags, addAskOptions, queryOf } from "./ask-options.ts";
import { openAsked } from "./asked-index.ts";
import { sayGaps } from "./gaps.ts";
import { bucketFor, histogram } from "./histogram.ts";
import { counted, thousands } from "./numbers.ts";

interface FindFlags extends AskFlags {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly raw?: boolean;
  readonly count?: boolean;
  readonly histogram?: boolean;
  readonly limit?: number;
  readonly budget?: number;
  readonly maxRecords?: number;
  readonly asleep?: boolean;
}

export const FIND_EXIT_CODES = `
Exit codes:
  0    ok: the answer is whole, also where nothing was found
  1    failed: a part of the answer is missing; standard error names it
  2    usage: no such index, no such time or address
  4    refused: it would cost more than --budget or --max-records`;

export function addFind(logs: Command, { terminal, end }: Stage): void {
  addAskOptions(
    logs
      .command("find")
      .summary("the records of a span of time and of addresses")
      .description(
        "Prints the log lines of a span of time and of addresses, in order of time, from every log of the index. What is missing is named on standard error.",
      ),
  )
    .option("--json", "one JSON object a line")
    .option("--csv", "comma-separated, with titles")
    .option("--raw", "lines byte by byte as they were written, control characters included")
    .option("--count", "only how many")
    .option("--histogram", "how many over time, as bars")
    .option("-n, --limit <count>", "at most so many records", parseCount)
    .addOption(durationOption("--budget <time>", "refuse what would take longer"))
    .option("--max-records <count>", "refuse what would look at more", parseCount)
    .option("--asleep", "from the raw logs, without opening the index")
    .addHelpText(
      "after",
      examples([
        "unum logs find --from 2015-05-18T14:00 --to +1h --ip 83.149.9.216 --ip 66.249.73.0/24",
        "unum logs find --ips suspects.txt --from -1d --csv > found.csv",
        "unum logs find --from 2015-05-18 --to +1d --histogram",
        "unum logs find --ip 83.149.9.216 --count",
        "unum logs find --on tcp://10.0.0.7:4100 --ip 83.149.9.216",
      ]),
    )
    .addHelpText("after", FIND_EXIT_CODES)
    .action(async (flags: FindFlags) => end(await find(flags, terminal)));
}

async function find(flags: FindFlags, terminal: Terminal): Promise<number> {
  const env = systemEnv();
  const shapes = (["json", "csv", "raw", "count", "histogram"] as const).filter((name) => flags[name] === true);
  const isTwo = shapes.length > 1 && !(shapes.length === 2 && flags.json === true && !flags.csv && !flags.raw);
  if (isTwo) throw new UsageError(`--${shapes.join(" and --")} do not go together; choose one`);
  const query = queryOf(flags, env.clock.wallNow());
  const { index, where, close } = await openAsked(flags, env, terminal);
  const startedAt = env.clock.now();
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  try {
    await refuseCostly(index, query, flags);
    const asked: Asked = { index, query, flags, terminal, signal };
    const { count, gaps } = flags.count || flags.histogram ? await summed(asked) : await printed(asked);
    if (terminal.unread.aborted) return EXIT.unread;
    if (interrupt.signal.aborted) return EXIT.interrupted;
    sayGaps(gaps, terminal);
    const from = flags.asleep ? " from the raw logs" : where;
    if (!flags.count)
      terminal.say(
        terminal.tint("dim", `${counted(count, "record")} in ${formatMs(env.clock.now() - startedAt)}${from}`),
      );
    return gaps.length > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    interrupt.release();
    await close();
  }
}

interface Asked {
  readonly index: Index;
  readonly query: Query;
  readonly flags: FindFlags;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

export async function refuseCostly(
  index: Index,
  query: Query,
  { budget, maxRecords }: { readonly budget?: number; readonly maxRecords?: number },
): Promise<Estimate | undefined> {
  if (budget === undefined && maxRecords === undefined) return undefined;
  const cost = await index.estimate(query);
  if (budget !== undefined && cost.ms > budget)
    throw new Fault(
      "overloaded",
      `this would take about ${formatMs(cost.ms)}, the budget is ${formatMs(budget)}; ask for less time or fewer addresses`,
    );
  if (maxRecords !== undefined && cost.records > maxRecords)
    throw new Fault(
      "overloaded",
      `this would look at up to ${thousands(cost.records)} records, the limit is ${thousands(maxRecords)}; ask for less time or fewer addresses`,
    );
  return cost;
}

async function printed({ index, query, flags, terminal, signal }: Asked): Promise<{ count: number; gaps: Gap[] }> {
  const gaps: Gap[] = [];
  const limit = flags.limit ?? Number.POSITIVE_INFINITY;
  let count = 0;
  if (flags.csv) terminal.print(CSV_TITLES);
  for await (const part of index.find(query, { signal, deadlineMs: flags.deadline })) {
    if ("gap" in part) {
      gaps.push(part.gap);
      continue;
    }
    const taken = Math.min(part.batch.count, limit - count);
    if (taken > 0) print(part.batch, taken, flags, terminal);
    count += taken;
    if (count >= limit || signal.aborted) break;
    await terminal.flushed();
  }
  if (flags.json && gaps.length > 0) terminal.print(JSON.stringify({ missing: gaps }));
  return { count, gaps };
}

function print(batch: Batch, count: number, flags: FindFlags, terminal: Terminal): void {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    if (flags.json) lines.push(JSON.stringify(jsonRecord(recordOf(batch, i))));
    else if (flags.csv) lines.push(csvRow(recordOf(batch, i)));
    else if (flags.raw) lines.push(Buffer.from(batch.line(i)).toString("latin1"));
    else lines.push(plain(Buffer.from(batch.line(i)).toString("utf8")));
  }
  // Latin-1 gives every byte back as it was.
  if (flags.raw) process.stdout.write(Buffer.from(`${lines.join("\n")}\n`, "latin1"));
  else terminal.print(lines.join("\n"));
}

async function summed({
  index,
  query,
  flags,
  terminal,
  signal,
}: Asked): Promise<{ count: number; gaps: readonly Gap[] }> {
  const bucketSeconds = flags.histogram ? await bucketOf(index, query) : undefined;
  const tally = await index.tally(query, { bucketSeconds }, { signal, deadlineMs: flags.deadline });
  const { count, gaps } = tally;
  if (flags.json) {
    const buckets = [...tally.buckets]
      .sort(([a], [b]) => a - b)
      .map(([bucket, records]) => ({ from: bucket * (bucketSeconds ?? 1), records }));
    terminal.print(
      JSON.stringify({ records: count, ...(flags.histogram ? { bucketSeconds, buckets } : {}), missing: gaps }),
    );
  } else if (flags.histogram) {
    const lines = histogram(tally.buckets, bucketSeconds ?? 1, process.stdout.columns);
    terminal.print(lines.length === 0 ? "no records" : lines.join("\n"));
  } else terminal.print(String(count));
  return { count, gaps };
}

/** By the span asked for, within what is there. */
async function bucketOf(index: Index, { from, to }: Query): Promise<number> {
  const facts = await index.facts();
  return bucketFor(Math.max(from, facts.from), Math.min(to, facts.to + 1));
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^\d+(?:\.\d+)?e\d+$/.test(text)) return Number(text);
  throw new UsageError(`'${text}' is no count; write 100 or 1e6`);
}
