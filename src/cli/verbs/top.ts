// unum top: a node as it changes, on the whole screen or, where no terminal reads, a line each time.

import { sleep } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type Door, type DoorOptions, withDoor } from "../door.ts";
import { containersElsewhere, type Elsewhere } from "../elsewhere.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { statusJson } from "../node-json.ts";
import { componentLines, containerLines, peerLines } from "../node-tables.ts";
import { eventLine, formatLong, headLines, problemLines, totalOf, usageText } from "../node-text.ts";
import { durationOption } from "../options.ts";
import { errorText } from "../outcome-text.ts";
import { openScreen, type Screen } from "../screen.ts";
import { cut } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface TopFlags extends DoorOptions {
  readonly interval: number;
  readonly count?: number;
  readonly json?: boolean;
}

const DEFAULT_INTERVAL_MS = 1_000;
const LEAST_INTERVAL_MS = 100;
const ANSWER_MS = 5_000;

export function addTop({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("top")
      .summary("a node, live")
      .description(
        "Shows a node and its network as they change: components, containers with load, memory and calls per second, and what happens. On a terminal the screen is drawn anew in place, and q ends it; otherwise a line is written each time.",
      ),
  )
    .addOption(durationOption("--interval <time>", "how often it is asked", DEFAULT_INTERVAL_MS))
    .option("-n, --count <times>", "end after so many times", parseCount)
    .option("--json", "the status as one JSON object a line")
    .addHelpText("after", examples(["unum top", "unum top --interval 5s > load.log", "unum top --json -n 1"]))
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: TopFlags) => end(await withDoor(flags, (door) => top(door, flags, terminal))));
}

async function top(door: Door, flags: TopFlags, terminal: Terminal): Promise<number> {
  if (flags.interval < LEAST_INTERVAL_MS) throw new UsageError(`--interval must be ${LEAST_INTERVAL_MS}ms at least`);
  // A node that is not there at all is told before the screen is taken.
  const first = await door.status();
  let seen: Seen = {
    ...{ status: first, elsewhere: await containersElsewhere(door, first.id) },
    ...{ atMs: door.env.clock.now(), rates: new Map() },
  };
  const quit = new AbortController();
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const signal = AbortSignal.any([quit.signal, interrupt.signal, terminal.unread]);
  const screen = flags.json
    ? undefined
    : openScreen(onKey(quit), () => screen?.draw(screenLines(seen, door, terminal, screen)));
  try {
    for (let shown = 1; ; shown++) {
      if (screen !== undefined) screen.draw(screenLines(seen, door, terminal, screen));
      else terminal.print(flags.json ? JSON.stringify(statusJson(seen.status)) : lineOf(seen, terminal));
      if (signal.aborted || shown === flags.count) break;
      await sleep(door.env.clock, flags.interval, signal).catch(() => {});
      if (signal.aborted) break;
      seen = await look(door, seen, signal);
    }
  } finally {
    screen?.close();
    interrupt.release();
  }
  return terminal.unread.aborted ? EXIT.unread : EXIT.ok;
}

interface Seen {
  readonly status: NodeStatus;
  readonly elsewhere: readonly Elsewhere[];
  /** When it answered. */
  readonly atMs: number;
  /** Calls per second by container; without those that are new. */
  readonly rates: ReadonlyMap<string, number>;
  /** Why there is no newer answer. */
  readonly trouble?: string;
}

/** The last answer stays where none comes: a governor may be being started again. */
async function look(door: Door, before: Seen, signal: AbortSignal): Promise<Seen> {
  const { env, status } = door;
  try {
    const found = await status({ ttlMs: ANSWER_MS, signal });
    const atMs = env.clock.now();
    const elsewhere = found.peers.length > 1 ? await containersElsewhere(door, found.id) : [];
    return { status: found, elsewhere, atMs, rates: ratesOf(before, found, atMs) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return {
      ...before,
      rates: new Map(),
      trouble: error instanceof Fault && error.code === "unknown" ? "the governor stands still" : errorText(error),
    };
  }
}

function ratesOf(before: Seen, { containers }: NodeStatus, atMs: number): ReadonlyMap<string, number> {
  const seconds = (atMs - before.atMs) / 1_000;
  const done = new Map(before.status.containers.map(({ id, load }) => [id, load?.done ?? 0n]));
  const rates = containers.flatMap(({ id, load }): [string, number][] => {
    const was = done.get(id);
    return was === undefined || load === undefined ? [] : [[id, Number(load.done - was) / seconds]];
  });
  return new Map(rates);
}

function onKey(quit: AbortController): (key: string) => void {
  return (key) => {
    if (key === "q" || key === "Q" || key === "\u0003" || key === "\u0004") quit.abort();
  };
}

function screenLines(seen: Seen, door: Door, terminal: Terminal, { width, height }: Screen): readonly string[] {
  const { status, elsewhere, rates, trouble } = seen;
  const { paint } = terminal;
  const look = { paint, width };
  const sections = [
    headLines(status, door.keeper()?.pid, look),
    componentLines(status, [], look),
    containerLines(status, look, rates, elsewhere),
    peerLines(status, look),
    problemLines(status, look),
  ].filter((lines) => lines.length > 0);
  const upper = sections.flatMap((lines) => [...lines, ""]);
  const silent = formatLong(door.env.clock.now() - seen.atMs);
  const foot = trouble === undefined ? paint("dim", "q ends") : paint("red", `no answer for ${silent}: ${trouble}`);
  const room = height - upper.length - 2;
  const events = room > 0 ? status.events.slice(-room).map((event) => eventLine(event, paint)) : [];
  const body = [...upper, ...events].slice(0, height - 1);
  const fill = Array.from({ length: Math.max(0, height - 1 - body.length) }, () => "");
  return [...body, ...fill, foot].map((line) => cut(line, width));
}

/** For files and pipes. */
function lineOf({ status, rates, trouble }: Seen, { paint }: Terminal): string {
  const time = new Date().toISOString().slice(11, 19);
  if (trouble !== undefined) return `${time} ${paint("red", `no answer: ${trouble}`)}`;
  const { running, waiting, free } = totalOf(status);
  const perSecond = [...rates.values()].reduce((sum, rate) => sum + rate, 0);
  return `${time} ${usageText(status)}; ${running} running, ${waiting} waiting, ${free} places free; ${Math.round(perSecond)} calls/s`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1) return count;
  throw new UsageError(`'${text}' is not a number of times from 1`);
}
