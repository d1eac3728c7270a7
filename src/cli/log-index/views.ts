// unum logs times, top, distinct, estimate: what is counted, without the lines.

import { type Command, Option } from "commander";
import type { Index } from "../../log-index/find/index.ts";
import type { Gap, Query } from "../../log-index/find/query.ts";
import { formatIpv4, formatOther, parseAddress } from "../../log-index/records/address.ts";
import { formatTime } from "../../log-index/records/time.ts";
import { addressesOf } from "../../log-index/server/ask.ts";
import { systemEnv } from "../../system/env.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { formatSize } from "../size.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { type AskFlags, addAskOptions, addTimeOptions, queryOf, type TimeFlags } from "./ask-options.ts";
import { openAsked } from "./asked-index.ts";
import { FIND_EXIT_CODES } from "./find.ts";
import { sayGaps } from "./gaps.ts";
import { openIndex } from "./home.ts";
import { counted, thousands } from "./numbers.ts";

const COUNT_COLUMNS = [
  { title: "ADDRESS", least: 15 },
  { title: "RECORDS", align: "right" },
  { title: "FIRST" },
  { title: "LAST" },
] as const;

interface Shown {
  readonly json?: boolean;
}

export function addTimes(logs: Command, { terminal, end }: Stage): void {
  addTimeOptions(
    logs
      .command("times")
      .summary("when addresses were seen: first, last, how often")
      .description("Tells for each address when it was first and last seen and in how many records.")
      .argument("<address...>", "addresses, blocks, ranges or hosts"),
  )
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      examples(["unum logs times 83.149.9.216", "unum logs times 66.249.73.0/24 --from 2015-05-18 --to +1d"]),
    )
    .addHelpText("after", FIND_EXIT_CODES)
    .action(async (items: string[], flags: TimeFlags & Shown) => {
      const query: Query = { ...queryOf(flags, systemEnv().clock.wallNow()), addresses: addressesOf(items) };
      end(
        await shown(flags, terminal, async (index) => {
          const tally = await index.tally(query, { addresses: true }, { deadlineMs: flags.deadline });
          const all = [...tally.addresses.all()].sort((a, b) => a.first - b.first);
          printCounts(all, flags, terminal);
          const never = neverSeen(items, new Set(all.map(({ address }) => address)));
          if (flags.json) for (const address of never) terminal.print(JSON.stringify({ address, records: 0 }));
          else if (all.length === 0) terminal.say("never seen");
          else if (never.length > 0) terminal.say(`never seen: ${never.join(", ")}`);
          return tally.gaps;
        }),
      );
    });
}

/** Of blocks and ranges nothing is said: that some of their addresses never came is no news. */
function neverSeen(items: readonly string[], seen: ReadonlySet<string>): string[] {
  const single = items.flatMap((item) => {
    const found = parseAddress(item);
    return found === undefined ? [] : [found.other === "" ? formatIpv4(found.v4) : formatOther(found.other)];
  });
  return [...new Set(single)].filter((address) => !seen.has(address));
}

export function addTop(logs: Command, { terminal, end }: Stage): void {
  addAskOptions(
    logs
      .command("top")
      .summary("which addresses or statuses have the most records")
      .description("Counts the records of each address, or of each status, and prints those with the most."),
  )
    .addOption(new Option("--by <what>", "what is counted").choices(["ip", "status"]).default("ip"))
    .option("-n, --limit <count>", "how many are printed", Number, 10)
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      examples(["unum logs top --by ip --from 2015-05-18 --to +1d", "unum logs top --by status --ip 66.249.73.0/24"]),
    )
    .addHelpText("after", FIND_EXIT_CODES)
    .action(async (flags: AskFlags & Shown & { by: string; limit: number }) => {
      if (!Number.isInteger(flags.limit) || flags.limit < 1)
        throw new UsageError("--limit is no whole number from 1 on");
      const query = queryOf(flags, systemEnv().clock.wallNow());
      end(
        await shown(flags, terminal, async (index) => {
          const wanted = flags.by === "ip" ? { addresses: true } : { statuses: true };
          const tally = await index.tally(query, wanted, { deadlineMs: flags.deadline });
          if (flags.by === "ip") printCounts(tally.addresses.top(flags.limit), flags, terminal);
          else printStatuses([...tally.statuses].sort(([, a], [, b]) => b - a).slice(0, flags.limit), flags, terminal);
          return tally.gaps;
        }),
      );
    });
}

export function addDistinct(logs: Command, { terminal, end }: Stage): void {
  addAskOptions(
    logs
      .command("distinct")
      .summary("how many different addresses")
      .description(
        "Tells how many different addresses there are: from sketches, within about half a per cent, or exactly.",
      ),
  )
    .option("--exact", "count them all")
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs distinct --from 2015-05-18 --to +1d", "unum logs distinct --exact"]))
    .addHelpText("after", FIND_EXIT_CODES)
    .action(async (flags: AskFlags & Shown & { exact?: boolean }) => {
      const query = queryOf(flags, systemEnv().clock.wallNow());
      end(
        await shown(flags, terminal, async (index) => {
          const wanted = flags.exact ? { addresses: true } : { sketch: true };
          const tally = await index.tally(query, wanted, { deadlineMs: flags.deadline });
          const distinct = flags.exact ? tally.addresses.different : tally.sketch.estimate();
          if (flags.json)
            terminal.print(
              JSON.stringify({ distinct, exact: flags.exact === true, records: tally.count, missing: tally.gaps }),
            );
          else
            terminal.print(
              `${flags.exact ? "" : "about "}${counted(distinct, "address", "addresses")} in ${counted(tally.count, "record")}`,
            );
          return tally.gaps;
        }),
      );
    });
}

export function addEstimate(logs: Command, { terminal, end }: Stage): void {
  addAskOptions(
    logs
      .command("estimate")
      .summary("what a question would cost, or what a year of logs will take")
      .description(
        "Tells before asking what 'find' with the same options would read and how long it would take. With --plan: what so many lines a day take in space and time.",
      )
      .argument("[find]", "for reading aloud: estimate find --ip …"),
  )
    .option("--plan <lines>", "lines a day, as 2e6: space and time for a year of them", Number)
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs estimate find --ip 83.149.9.216", "unum logs estimate --plan 2e6"]))
    .action(async (word: string | undefined, flags: AskFlags & Shown & { plan?: number }) => {
      if (word !== undefined && word !== "find")
        throw new UsageError(`'${word}' cannot be estimated; write 'unum logs estimate find' and the options of find`);
      if (flags.plan !== undefined) return end(await plan(flags.plan, flags, terminal));
      const query = queryOf(flags, systemEnv().clock.wallNow());
      return end(
        await shown(flags, terminal, async (index) => {
          const cost = await index.estimate(query, { deadlineMs: flags.deadline });
          if (flags.json) terminal.print(JSON.stringify(cost));
          else {
            const { records, bytes, chunks, nodes, ms, memoryBytes } = cost;
            terminal.print(
              `at most ${counted(records, "record")}: ${formatSize(bytes)} read from ${counted(chunks, "chunk")} on ${counted(nodes, "server")}, about ${formatMs(ms)}, up to ${formatSize(memoryBytes)} of memory`,
            );
          }
          return cost.gaps;
        }),
      );
    });
}

/** From what this index took so far, else from what the benchmarks took. */
async function plan(linesADay: number, flags: TimeFlags & Shown, terminal: Terminal): Promise<number> {
  if (!(linesADay > 0)) throw new UsageError("--plan needs lines a day, as 2e6");
  const known = await openIndex(flags, systemEnv(), terminal)
    .facts()
    .catch(() => undefined);
  const isMeasured = known !== undefined && known.records > 100_000;
  const bytesARecord = isMeasured ? known.bytes / known.records : 21;
  const year = {
    records: linesADay * 365,
    bytes: linesADay * 365 * bytesARecord,
    readSeconds: (linesADay * 365) / 1.5e6,
  };
  if (flags.json) terminal.print(JSON.stringify({ linesADay, bytesARecord, isMeasured, ...year }));
  else
    terminal.print(
      `${thousands(linesADay)} lines a day are ${thousands(year.records)} a year: ${formatSize(year.bytes)} of index (${bytesARecord.toFixed(1)} bytes a record, ${isMeasured ? "as in this index" : "as in the benchmark"}), read in about ${formatMs(year.readSeconds * 1000)}, ${formatMs((year.readSeconds * 1000) / 365)} a day`,
    );
  return EXIT.ok;
}

async function shown(
  flags: AskFlags,
  terminal: Terminal,
  ask: (index: Index) => Promise<readonly Gap[]>,
): Promise<number> {
  const { index, close } = await openAsked(flags, systemEnv(), terminal);
  try {
    const gaps = await ask(index);
    sayGaps(gaps, terminal);
    return gaps.length > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    await close();
  }
}

interface Counted {
  readonly address: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

function printCounts(all: readonly Counted[], { json }: Shown, terminal: Terminal): void {
  if (json) {
    for (const { address, count, first, last } of all)
      terminal.print(JSON.stringify({ address, records: count, first: formatTime(first), last: formatTime(last) }));
    return;
  }
  if (all.length === 0) return;
  const rows = all.map(({ address, count, first, last }) => [
    address,
    thousands(count),
    formatTime(first),
    formatTime(last),
  ]);
  terminal.print(
    table(COUNT_COLUMNS, rows, { width: process.stdout.columns, title: (text) => terminal.paint("dim", text) }).join(
      "\n",
    ),
  );
}

function printStatuses(all: readonly (readonly [number, number])[], { json }: Shown, terminal: Terminal): void {
  if (json) {
    for (const [status, records] of all) terminal.print(JSON.stringify({ status, records }));
    return;
  }
  const rows = all.map(([status, records]) => [status === 0 ? "none" : String(status), thousands(records)]);
  const columns = [{ title: "STATUS" }, { title: "RECORDS", align: "right" }] as const;
  terminal.print(
    table(columns, rows, { width: process.stdout.columns, title: (text) => terminal.paint("dim", text) }).join("\n"),
  );
}
