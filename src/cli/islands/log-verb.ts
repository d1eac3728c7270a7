// unum islands log: what islands were like at all times, of one run or many, as a table, CSV, JSON or a plot.

import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { outputWidth } from "../screen.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { countText, valueText } from "./figures-text.ts";
import { goneOnWith, type History, historyOf, type IslandEntry, thinned } from "./history.ts";
import { openRunStore, recordOf, runNames } from "./run-store.ts";

export interface LogFlags {
  readonly csv?: boolean;
  readonly json?: boolean;
  readonly plot?: boolean;
  readonly last?: number;
}

const TITLES = [
  "run",
  "island",
  "seconds",
  "epoch",
  "evaluations",
  "best",
  "spread",
  "restarts",
  "received",
  "sent",
] as const;
const ROWS_SHOWN = 40;

export async function log(runs: readonly string[], flags: LogFlags, terminal: Terminal): Promise<number> {
  const names = runs.length > 0 ? runs : await runNames();
  if (names.length === 0)
    throw new UsageError("no run has been started here; 'unum islands run bbob:f15:d10' starts one");
  const rows: (readonly [run: string, entry: IslandEntry])[] = [];
  const plotted: IslandEntry[] = [];
  for (const name of names) {
    const { islands } = await historyOfRun(name);
    for (const { entries } of islands) {
      const kept = flags.last === undefined ? entries : entries.slice(-flags.last);
      rows.push(...kept.map((entry) => [name, entry] as const));
      plotted.push(...goneOnWith(kept));
    }
  }
  if (flags.json) terminal.print(rows.map(([run, entry]) => JSON.stringify({ run, ...entry })).join("\n"));
  else if (flags.csv)
    terminal.print(
      [TITLES, ...rows.map(([run, entry]) => cellsOf(run, entry))].map((cells) => cells.join(",")).join("\n"),
    );
  else if (flags.plot) for (const line of plot(plotted)) terminal.print(line);
  else if (rows.length === 0) terminal.say("nothing is logged yet");
  else {
    const shown = thinned(rows, ROWS_SHOWN).map(([run, entry]) => peopleCells(run, entry));
    const columns = TITLES.map((title, i) =>
      i < 2 ? { title: title.toUpperCase() } : { title: title.toUpperCase(), align: "right" as const },
    );
    for (const line of table(columns, shown, { width: outputWidth() })) terminal.print(line);
    if (rows.length > ROWS_SHOWN) terminal.say(`${ROWS_SHOWN} of ${rows.length} entries; --csv or --json has all`);
  }
  return EXIT.ok;
}

async function historyOfRun(name: string): Promise<History> {
  const store = openRunStore(name, systemEnv().log);
  try {
    const { plan } = await recordOf(store, name);
    return await historyOf(store, plan.islands);
  } finally {
    store.close();
  }
}

function cellsOf(run: string, entry: IslandEntry): readonly string[] {
  const { name, seconds, epoch, evaluations, best, spread, restarts, received, sent } = entry;
  return [run, name, ...[seconds, epoch, evaluations, best, spread, restarts, received, sent].map(String)];
}

function peopleCells(run: string, entry: IslandEntry): readonly string[] {
  return [
    run,
    entry.name.split("_").at(-1) ?? entry.name,
    entry.seconds.toFixed(1),
    String(entry.epoch),
    countText(entry.evaluations),
    valueText(entry.best),
    entry.spread.toPrecision(2),
    ...[entry.restarts, entry.received, entry.sent].map(String),
  ];
}

const PLOT_HEIGHT = 12;
const PLOT_WIDTH = 64;

/** The best of all over all evaluations, with letters; logarithmic where values span more than three powers of ten. */
function plot(entries: readonly IslandEntry[]): readonly string[] {
  const known = entries.filter(({ best }) => typeof best === "number").sort((a, b) => a.seconds - b.seconds);
  if (known.length === 0) return ["nothing is logged yet"];
  const spent = new Map<string, number>();
  let least = Number.POSITIVE_INFINITY;
  const points = known.map(({ name, evaluations, best }) => {
    spent.set(name, evaluations);
    least = Math.min(least, best);
    return { x: [...spent.values()].reduce((sum, each) => sum + each, 0), least };
  });
  const [from, to] = [points[0]?.x ?? 0, points.at(-1)?.x ?? 1];
  const columns = new Array<number>(PLOT_WIDTH).fill(Number.NaN);
  for (const point of points) {
    const at = Math.floor(((point.x - from) / Math.max(to - from, 1)) * PLOT_WIDTH);
    columns[Math.min(PLOT_WIDTH - 1, at)] = point.least;
  }
  for (let i = 1; i < PLOT_WIDTH; i++) if (Number.isNaN(columns[i])) columns[i] = columns[i - 1] as number;
  const [low, high] = [Math.min(...columns), Math.max(...columns)];
  const scaled = low > 0 && high / low > 1_000 ? Math.log10 : (value: number) => value;
  const range = scaled(high) - scaled(low) || 1;
  const rowOf = (value: number) => Math.round(((scaled(value) - scaled(low)) / range) * (PLOT_HEIGHT - 1));
  const lines = Array.from({ length: PLOT_HEIGHT }, (_, i) => {
    const row = PLOT_HEIGHT - 1 - i;
    const cells = columns.map((value) => (rowOf(value) === row ? "•" : " ")).join("");
    const label = row === PLOT_HEIGHT - 1 ? valueText(high) : row === 0 ? valueText(low) : "";
    return `${label.padStart(14)} │${cells.trimEnd()}`;
  });
  const end = `${countText(from)} to ${countText(to)} evaluations`;
  return [...lines, `${" ".repeat(15)}└${"─".repeat(PLOT_WIDTH)}`, `${" ".repeat(16)}${end.padStart(PLOT_WIDTH)}`];
}
