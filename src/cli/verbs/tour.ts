// unum tour: what works, on real files and with real kills.

import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Terminal } from "../terminal.ts";
import { CHAPTERS, chaptersNamed } from "../tour/chapters.ts";
import { runChapters } from "../tour/run-chapters.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface TourFlags {
  readonly files: string;
  readonly components: string;
  readonly limit: number;
  readonly log?: string;
  readonly json?: boolean;
}

const CHECKOUT = join(import.meta.dirname, "../../..");
const LIMIT_MB = 200;

export function addTour({ program, terminal, end }: Stage): void {
  program
    .command("tour")
    .summary("what works, shown on real files")
    .description(
      "Shows what works, chapter by chapter: each does real work with real processes, some of which are killed, and checks every figure. Ends with 0 only if all of it was as it should be.",
    )
    .argument("[chapters...]", "which chapters (default: all)")
    .option("--files <folder>", "whose files are worked on (default: this checkout)", CHECKOUT)
    .option(
      "--components <folder>",
      "components that serve demo.v1.Digest; copied before one is changed (default: this checkout's)",
      join(CHECKOUT, "components"),
    )
    .option("--limit <MB>", "how much is worked on, smallest files first", parseMegabytes, LIMIT_MB)
    .option("--log <file>", "an access log for the chapter 'logs' (default: one beside the checkout, else a sample)")
    .option("--json", "the report of each chapter as one JSON object a line")
    .addHelpText("after", `\nChapters:\n${CHAPTERS.map(row).join("\n")}`)
    .addHelpText("after", examples(["unum tour", "unum tour node --files ~/Documents --limit 50 --json"]))
    .addHelpText(
      "after",
      `
Exit codes:
  0    every chapter ended as it should
  1    one did not
  2    usage: no such chapter or folder
  130  ended by Ctrl-C`,
    )
    .action(async (names: readonly string[], flags: TourFlags) => end(await tour(names, flags, terminal)));
}

function row({ name, description }: { name: string; description: string }): string {
  return `  ${name.padEnd(10)} ${description}`;
}

async function tour(names: readonly string[], flags: TourFlags, terminal: Terminal): Promise<number> {
  const chapters = chaptersNamed(names);
  const json = flags.json ?? false;
  const options = {
    files: folderAt(flags.files),
    components: folderAt(flags.components),
    limitBytes: flags.limit * 1_000_000,
    log: flags.log === undefined ? undefined : fileAt(flags.log),
  };
  // What the chapters started ends with this process, so a second Ctrl-C may end it at once.
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  try {
    const { signal } = interrupt;
    const failed = await runChapters(chapters, { env: systemEnv(), options, json, signal, terminal });
    if (!json) terminal.print(endText(failed, terminal));
    return failed.length === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.release();
  }
}

function endText(failed: readonly string[], { paint }: Terminal): string {
  if (failed.length > 0) return `\n${paint("red", `The tour FAILED: ${failed.join(", ")}; see above.`)}`;
  return [
    "",
    "Next:",
    "  npx unum up --components components                                      # a node of your own; Ctrl-C drains",
    "  npx unum status                                                          # what runs there",
    `  npx unum call demo.v1.Digest/OfFile '{"path":"README.md"}' --timing      # a call to it`,
    "  npx unum logs add FOLDER                                                 # who was there, when: in your own access logs",
    "  examples/01-one-process/README.md                                        # write a component",
  ].join("\n");
}

function fileAt(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new UsageError(`there is no file ${path}; name an access log`);
  return resolve(path);
}

function folderAt(path: string): string {
  const folder = resolve(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new UsageError(`there is no folder ${folder}`);
}

function parseMegabytes(text: string): number {
  const megabytes = Number(text);
  if (megabytes > 0 && megabytes <= 100_000) return megabytes;
  throw new UsageError(`'${text}' is not a number of megabytes`);
}
