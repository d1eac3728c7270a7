// unum logs: what containers wrote, and what they write.

import { access } from "node:fs/promises";
import { Option } from "commander";
import { sleep } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import { nearest } from "../../base/nearest.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, type Door, type DoorOptions, withDoor } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { logFolder } from "../log-folder.ts";
import { inOrder, parseLogLine } from "../log-line.ts";
import { LogPrinter, type SourceLine } from "../log-printer.ts";
import { type LogSource, sourcesNamed } from "../log-sources.ts";
import { LogTail } from "../log-tail.ts";
import { errorText } from "../outcome-text.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { addLogIndex, LOG_INDEX_WORDS } from "./log-index.ts";
import { examples, type Stage } from "./verb.ts";

interface LogsFlags extends DoorOptions {
  readonly follow?: boolean;
  readonly lines: number;
  readonly json?: boolean;
  readonly component?: string;
}

const DEFAULT_LINES = 20;
const READ_EVERY_MS = 200;
/** How often a node is asked for containers that are new. */
const ASK_EVERY_MS = 1_000;
/** How long a container that is gone may take to have written its last. */
const LAST_WORDS_MS = 3_000;

export function addLogs(stage: Stage): void {
  const { program, terminal, end } = stage;
  // What stands after a subcommand's name is the subcommand's: both have --to and --json.
  const command = program.command("logs").enablePositionalOptions();
  addDoorOptions(
    command
      .summary("what containers write; and who was there when, in the logs of servers")
      .description(
        "Two things. Without a subcommand: the last lines of what a node's containers wrote, each with its container; the logs are files on the node's own computer, so this is run there. With a subcommand (add, find, …): the log index, which finds records in the logs of servers. A component that is called like a subcommand is reached by 'unum logs -- NAME'.",
      )
      .argument(
        "[component|program|container]",
        "a contract or a program, for the containers that serve it; a container, also one that ended; 'governor' or 'keeper' (default: all containers that run)",
      ),
  )
    .option("-n, --lines <count>", "how many last lines of each", parseLines, DEFAULT_LINES)
    .option("-f, --follow", "go on with what is written, by new containers too, until Ctrl-C")
    .addOption(new Option("--component <name>").hideHelp())
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      examples([
        "unum logs --follow",
        "unum logs demo.v1.Digest -n 100",
        "unum logs thumbnails                      # a program's containers on this node",
        "unum logs kq3v2mxa                        # also after it ended: why did it?",
        "unum logs governor                        # starts, replacements, what was killed and why",
        "unum logs add /var/log/nginx              # the log index: take logs in",
        "unum logs find --ip 83.149.9.216          # … and find in them",
      ]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    ok; also at the end of --follow
  2    usage: no such component or container
  3    unreachable: no node answers at the door`,
    )
    .action(async (name: string | undefined, flags: LogsFlags) =>
      end(await withDoor(flags, (door) => logs(door, flags.component ?? name, flags, terminal))),
    );
  addLogIndex(command, stage);
}

/** `logs -- NAME` as what the parser understands: after "--" it would still take the name for a subcommand's. */
export function componentApart(args: readonly string[]): readonly string[] {
  const at = args.indexOf("--");
  const name = args[at + 1];
  if (args[0] !== "logs" || at < 0 || name === undefined) return args;
  const before = args.slice(0, at);
  // Before a subcommand's own "--" stands its name.
  const isPlain = before.slice(1).every((arg, i) => arg.startsWith("-") || (before[i] ?? "").startsWith("-"));
  return isPlain ? [...before, "--component", name, ...args.slice(at + 2)] : args;
}

async function logs(door: Door, name: string | undefined, flags: LogsFlags, terminal: Terminal): Promise<number> {
  const status = await statusOrNone(door, terminal);
  const folder = status?.logs || logFolder();
  const sources = await sourcesNamed(name, status, folder).catch((error: unknown) => {
    // Who mistyped a subcommand is told of those too.
    const meant = error instanceof UsageError && name !== undefined ? nearest(name, LOG_INDEX_WORDS) : undefined;
    throw meant === undefined ? error : new UsageError(`${errorText(error)}; or did you mean 'unum logs ${meant}'?`);
  });
  await checkHere(sources, status);
  const printer = new LogPrinter(flags.json ?? false, terminal);
  const tails = sources.map((source): Tailed => ({ source, tail: new LogTail(source.path) }));
  const last = await Promise.all(tails.map(async ({ source, tail }) => parsed(source, await tail.last(flags.lines))));
  printer.print(inOrder(last));
  if (last.every((lines) => lines.length === 0) && flags.lines > 0) terminal.say(nothingText(sources));
  if (flags.follow) await follow({ door, name, folder, tails, printer, terminal });
  return terminal.unread.aborted ? EXIT.unread : EXIT.ok;
}

function nothingText(sources: readonly LogSource[]): string {
  return sources.length === 0
    ? "no container runs"
    : `nothing was written yet by ${sources.map(({ from }) => from).join(", ")}`;
}

/** Without a node there are still the logs it left. */
async function statusOrNone(door: Door, terminal: Terminal): Promise<NodeStatus | undefined> {
  try {
    return await door.status();
  } catch (error) {
    if (!(error instanceof Fault) || !door.isOwn) throw error;
    terminal.say(terminal.tint("yellow", `${errorText(error)}; these are the logs that are left`));
    return undefined;
  }
}

/** Each container has a log from its first moment, so where none is there they lie on another computer. */
async function checkHere(sources: readonly LogSource[], status: NodeStatus | undefined): Promise<void> {
  const there = await Promise.all(
    sources.map(({ path }) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (sources.length === 0 || there.includes(true)) return;
  const where = status === undefined ? "" : `; the logs of node ${status.id} are files on its own computer`;
  throw new UsageError(`there is no log ${sources[0]?.path}${where}`);
}

interface Tailed {
  readonly source: LogSource;
  readonly tail: LogTail;
  /** Since when its container is no longer there. */
  goneAt?: number;
}

interface Following {
  readonly door: Door;
  readonly name: string | undefined;
  readonly folder: string;
  readonly tails: Tailed[];
  readonly printer: LogPrinter;
  readonly terminal: Terminal;
}

async function follow(following: Following): Promise<void> {
  const { door, tails, printer, terminal } = following;
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  const { clock } = door.env;
  let askedAt = clock.now();
  let asking: Promise<void> = Promise.resolve();
  while (!signal.aborted) {
    const lines = await Promise.all(tails.map(async ({ source, tail }) => parsed(source, await tail.more())));
    printer.print(inOrder(lines));
    if (clock.now() - askedAt >= ASK_EVERY_MS) {
      askedAt = Number.POSITIVE_INFINITY;
      asking = lookForNew(following, signal).finally(() => {
        askedAt = clock.now();
      });
    }
    await sleep(clock, READ_EVERY_MS, signal).catch(() => {});
  }
  await asking;
  interrupt.release();
}

/** Brings `tails` up to the containers that are there now. */
async function lookForNew({ door, name, folder, tails }: Following, signal: AbortSignal): Promise<void> {
  const now = door.env.clock.now();
  let sources: readonly LogSource[];
  try {
    sources = await sourcesNamed(name, await door.status({ signal }), folder);
  } catch {
    return; // The governor is being started again, or nobody serves the component at the moment.
  }
  for (const source of sources) {
    if (!tails.some((tailed) => tailed.source.path === source.path))
      tails.push({ source, tail: new LogTail(source.path) });
  }
  for (const tailed of tails) {
    if (sources.some(({ path }) => path === tailed.source.path)) delete tailed.goneAt;
    else tailed.goneAt ??= now;
  }
  for (const tailed of tails.filter(({ goneAt }) => goneAt !== undefined && now - goneAt > LAST_WORDS_MS)) {
    tails.splice(tails.indexOf(tailed), 1);
  }
}

function parseLines(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= 100_000) return count;
  throw new UsageError(`'${text}' is not a number of lines from 0 to 100000`);
}

function parsed(source: LogSource, lines: readonly string[]): readonly SourceLine[] {
  return lines.map((line) => ({ ...parseLogLine(line), from: source.from }));
}
