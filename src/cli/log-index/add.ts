// unum logs add: takes logs into the index.

import { globSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { sleep } from "../../base/clock.ts";
import { type AddSum, addLogs, addUrl } from "../../log-index/tree/add-logs.ts";
import { IndexDispatcher } from "../../log-index/tree/index-dispatcher.ts";
import { systemEnv } from "../../system/env.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { formatSize } from "../size.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, homeOf } from "./home.ts";
import { counted, short, thousands } from "./numbers.ts";
import { Progress } from "./progress.ts";

interface AddFlags extends HomeFlags {
  readonly format: string;
  readonly name?: string;
  readonly follow?: boolean;
  readonly token?: string;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 500;

export function addAdd(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("add")
      .summary("takes a folder of logs, a log or another server's index into the index")
      .description(
        "Reads a folder of logs with its subfolders, or one log, into the index. Packed (.gz, .zst) and rotated files are known by their content; a second run reads only what is new. A URL adds the index of another server.",
      )
      .argument("<path>", "a folder, a file, or the URL of a miniserver's folder"),
  )
    .option(
      "--format <format>",
      "auto, common, combined, json, or pattern:REGEX with the groups address and time",
      "auto",
    )
    .option("--name <name>", "what it is called in the index (default: the last part of the path)")
    .option("-f, --follow", "go on with what is written, until Ctrl-C")
    .option("--token <token>", "of the server at the URL")
    .option("--json", "one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum logs add /var/log/nginx",
        "unum logs add /var/log/nginx --follow",
        "unum logs add access.log --format 'pattern:^(?<address>\\S+) .*\\[(?<time>[^\\]]+)\\]'",
        "unum logs add http://other-server:8080/nginx --token T",
      ]),
    )
    .action(async (path: string, flags: AddFlags) => end(await add(path, flags, terminal)));
}

async function add(path: string, flags: AddFlags, terminal: Terminal): Promise<number> {
  const { clock } = systemEnv();
  const home = homeOf(flags);
  const now = clock.wallNow() / 1000;
  if (/^https?:\/\//.test(path)) return addServer(home, path, flags, terminal);
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const startedAt = clock.now();
  const progress = new Progress({ clock, terminal, totalBytes: bytesUnder(path) });
  try {
    const sum = await addLogs({
      ...{ home, path, name: flags.name, format: flags.format, signal: interrupt.signal, now },
      progress: (bytes, records) => progress.add(bytes, records),
      told: (added) => tell(added, terminal, flags, progress),
    });
    progress.done();
    report(sum, clock.now() - startedAt, flags, terminal);
    if (flags.follow) await follow(path, { ...flags, name: sum.name }, interrupt.signal, terminal);
    return sum.unreadable > 0 ? EXIT.failed : EXIT.ok;
  } catch (error) {
    progress.done();
    if (!interrupt.signal.aborted) throw error;
    terminal.say("stopped; what was read until now is in the index, and 'unum logs add' goes on from there");
    return EXIT.interrupted;
  } finally {
    interrupt.release();
  }
}

type Told = NonNullable<Parameters<typeof addLogs>[0]["told"]> extends (added: infer A) => void ? A : never;

function tell(added: Told, terminal: Terminal, flags: AddFlags, progress: Progress): void {
  const warn = (text: string) => {
    progress.done();
    terminal.say(terminal.tint("yellow", text));
  };
  if (added.outcome === "unreadable") warn(`${added.path} cannot be read: ${added.why}`);
  if (added.outcome === "no-format")
    warn(`${added.path} is no log that is known: name its --format, or a pattern for it`);
  if (added.outcome === "truncated")
    warn(`${added.path} has less in it than was read before; what was read stays in the index`);
  if (added.outcome !== "read") return;
  if (added.bad > 0 && flags.json !== true) {
    const [first] = added.badLines;
    const where = first === undefined ? "" : `; line ${thousands(first.line)} ${first.why}`;
    warn(`${added.path}: ${counted(added.bad, "line")} could not be read${where}`);
  }
  if (added.pending > 0 && flags.follow !== true && flags.json !== true)
    warn(`${added.path}: the last line has no end yet and waits for it`);
}

function report(sum: AddSum, ms: number, flags: AddFlags, terminal: Terminal): void {
  if (flags.json) {
    terminal.print(JSON.stringify({ ...sum, ms: Math.round(ms) }));
    return;
  }
  const rate = ms > 0 ? `, ${short((sum.records / ms) * 1000)} lines/s` : "";
  terminal.print(
    sum.records === 0 && sum.bad === 0
      ? `${sum.name}: nothing new`
      : `${sum.name}: ${counted(sum.records, "record")} from ${counted(sum.files, "file")} (${formatSize(sum.bytes)}) in ${formatMs(ms)}${rate}`,
  );
}

/** New lines, new files and rotated ones, as they come. */
async function follow(path: string, flags: AddFlags, signal: AbortSignal, terminal: Terminal): Promise<void> {
  const { clock } = systemEnv();
  terminal.say(`following ${path}; Ctrl-C ends`);
  while (!signal.aborted) {
    await sleep(clock, LOOK_EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    const sum = await addLogs({
      ...{ home: homeOf(flags), path, name: flags.name, format: flags.format },
      ...{ isFollowing: true, now: clock.wallNow() / 1000 },
    });
    if (sum.records > 0 || sum.bad > 0) {
      const line = flags.json ? JSON.stringify(sum) : `${sum.name}: ${counted(sum.records, "new record")}`;
      terminal.print(line);
    }
  }
}

async function addServer(home: string, url: string, flags: AddFlags, terminal: Terminal): Promise<number> {
  const { clock } = systemEnv();
  const name = addUrl(home, url, { name: flags.name, token: flags.token });
  const index = new IndexDispatcher({ folder: home, name: "", clock, fetch }).at(name);
  const wrong = (await index?.valid()) ?? [];
  const facts = await index?.facts();
  if (flags.json)
    terminal.print(JSON.stringify({ name, url, records: facts?.records ?? 0, reachable: wrong.length === 0 }));
  else if (wrong.length === 0) terminal.print(`${name}: ${counted(facts?.records ?? 0, "record")} at ${url}`);
  if (wrong.length === 0) return EXIT.ok;
  terminal.say(terminal.tint("yellow", `${name} was added, and does not answer now: ${wrong.join("; ")}`));
  return EXIT.unreachable;
}

function bytesUnder(path: string): number {
  try {
    if (!statSync(path).isDirectory()) return statSync(path).size;
    return globSync("**/*", { cwd: path }).reduce((sum, name) => {
      const stat = statSync(resolve(path, name), { throwIfNoEntry: false });
      return sum + (stat?.isFile() ? stat.size : 0);
    }, 0);
  } catch {
    return 0; // The reading itself says what is wrong.
  }
}
