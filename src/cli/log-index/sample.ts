// unum logs sample: a realistic access log out of chance, the same for the same seed.

import { once } from "node:events";
import { type Command, Option } from "commander";
import { parseMoment } from "../../log-index/records/time.ts";
import { sampleLog } from "../../log-index/sample/sample-log.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";

interface SampleFlags {
  readonly lines: number;
  readonly days: number;
  readonly seed: number;
  readonly start: string;
  readonly format: "common" | "combined";
}

export function addSample(logs: Command, { terminal, end }: Stage): void {
  logs
    .command("sample")
    .summary("a realistic synthetic access log")
    .description(
      "Writes a log as a busy server would: few addresses that come often, many that come once, days and nights, lines that are late.",
    )
    .option("--lines <count>", "as 1e6", positive, 100_000)
    .option("--days <days>", "that they are spread over", positive, 31)
    .option("--seed <number>", "the same number, the same log", Number, 1)
    .option("--start <time>", "its first day", "2015-05-01")
    .addOption(new Option("--format <format>", "of the lines").choices(["common", "combined"]).default("common"))
    .addHelpText(
      "after",
      examples(["unum logs sample --lines 30e6 --days 31 > access.log", "unum logs sample --format combined | head"]),
    )
    .action(async (flags: SampleFlags) => end(await sample(flags, terminal)));
}

async function sample({ lines, days, seed, start, format }: SampleFlags, terminal: Terminal): Promise<number> {
  const from = parseMoment(start);
  if (Number.isNaN(from)) throw new UsageError(`--start '${start}' is no moment; write 2015-05-01`);
  if (!Number.isInteger(seed)) throw new UsageError("--seed is no whole number");
  for (const part of sampleLog({ lines: Math.round(lines), days, seed, start: from, format })) {
    if (terminal.unread.aborted) return EXIT.unread;
    if (!process.stdout.write(part)) await Promise.race([once(process.stdout, "drain"), gone(terminal.unread)]);
  }
  return EXIT.ok;
}

function gone(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new UsageError(`'${text}' is no number above 0; write 100000 or 30e6`);
}
