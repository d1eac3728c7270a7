// unum islands report: one HTML file of a run, with nothing beside it: curves, islands and their way of migration, energy,
// settings, and how to do it again.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { asError } from "../../base/fault.ts";
import type { SettingsChange } from "../../islands/archipelago/archipelago.ts";
import { changed, DEFAULT_SETTINGS, settingLines } from "../../islands/archipelago/settings.ts";
import { sourcesOf } from "../../islands/archipelago/topology.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import type { Result } from "./begin.ts";
import type { Live } from "./figures.ts";
import { countText, valueText } from "./figures-text.ts";
import { goneOnWith, type History, historyOf } from "./history.ts";
import { specName } from "./problem-spec.ts";
import { curves, escaped, islandMap, type Series } from "./report-plots.ts";
import { howToReproduce } from "./reproduce.ts";
import {
  type Config,
  loadCheckpoint,
  openRunStore,
  type RunRecord,
  readJson,
  readLive,
  recordOf,
} from "./run-store.ts";

export async function report(
  name: string,
  path: string | undefined,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const store = openRunStore(name, systemEnv().log);
  try {
    const record = await recordOf(store, name);
    const html = htmlOf({
      record,
      live: readLive<Live>(store),
      config: await readJson<Config>(store.objects, "config"),
      result: await readJson<Result>(store.objects, "result"),
      history: await historyOf(store, record.plan.islands),
      changes: (await loadCheckpoint(store, { damaged: () => {} }))?.changes ?? [],
    });
    const target = resolve(path ?? `${name}.html`);
    await writeFile(target, html).catch((thrown: unknown) => {
      throw new UsageError(`${target} cannot be written: ${asError(thrown).message}; give another with --out`);
    });
    if (json) terminal.print(JSON.stringify({ run: name, report: target }));
    else terminal.print(target);
    return EXIT.ok;
  } finally {
    store.close();
  }
}

interface Parts {
  readonly record: RunRecord;
  readonly live: Live | undefined;
  readonly config: Config | undefined;
  readonly result: Result | undefined;
  readonly history: History;
  /** Of settings, while it ran: the first is what it began with. */
  readonly changes: readonly SettingsChange[];
}

const COLORS = ["#0b6bcb", "#c2410c", "#15803d", "#7c3aed", "#b91c1c", "#0e7490", "#a16207", "#be185d"];

/** Further ones lie apart by the golden angle. */
function colorOf(island: number): string {
  return COLORS[island] ?? `hsl(${Math.round(island * 137.5) % 360} 60% 40%)`;
}

function htmlOf(parts: Parts): string {
  const { record, live, result } = parts;
  const best = result?.best?.value ?? live?.best ?? Number.POSITIVE_INFINITY;
  const state = result === undefined ? (live?.state ?? "nothing is known of it") : result.stopped ? "stopped" : "done";
  const facts: readonly (readonly [string, string])[] = [
    ["best", valueText(best)],
    ["evaluations", countText(result?.evaluations ?? live?.evaluations ?? 0)],
    ["epoch", String(result?.epoch ?? live?.epoch ?? 0)],
    ["migrations", String(live?.migrations ?? 0)],
    ["recoveries", String(live?.recoveries ?? 0)],
    ["quarantined", String(live?.quarantined ?? 0)],
    ["seconds", (live?.seconds ?? 0).toFixed(1)],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(record.name)}</title><style>${STYLE}</style></head><body>
<header><h1>${escaped(record.name)}</h1><p>${escaped(specName(record.problem))} · seed ${record.plan.seed} · ${escaped(state)}</p></header>
<section class="facts">${facts.map(([what, value]) => `<div><b>${escaped(value)}</b><span>${what}</span></div>`).join("")}</section>
${sections(parts).join("\n")}
</body></html>
`;
}

function sections(parts: Parts): readonly string[] {
  const { record, history, live } = parts;
  const gone = history.islands.map(({ name, entries }) => ({ name, entries: goneOnWith(entries) }));
  const seriesOf = (y: (entry: History["islands"][number]["entries"][number]) => number): readonly Series[] =>
    gone.map(({ name, entries }, i) => ({
      name: `${shortName(name)} ${enginesIn(entries) || (record.plan.engines[record.plan.islands.indexOf(name)] ?? "")}`,
      color: colorOf(i),
      points: entries.map((entry) => [entry.evaluations, y(entry)] as const),
    }));
  const energy = seriesOf(({ own }) => own?.["energy"] ?? Number.NaN);
  const withEnergy = energy.some(({ points }) => points.some(([, y]) => Number.isFinite(y)));
  return [
    section(
      "Best value",
      curves(
        seriesOf(({ best }) => best),
        { x: "evaluations of the island", log: "above-least" },
      ),
    ),
    section(
      "Spread of the population",
      curves(
        seriesOf(({ spread }) => spread),
        { x: "evaluations of the island", log: "yes" },
      ),
    ),
    ...(withEnergy ? [section("Energy", curves(energy, { x: "evaluations of the island", log: "no" }))] : []),
    section("Islands and migration", `${mapOf(parts)}${islandRows(live)}`),
    section(
      "Settings",
      `<pre class="settings">${escaped((parts.config?.settings ?? record.settings).join("\n"))}</pre>${changesText(parts)}`,
    ),
    section("What was found", found(parts)),
    section("Do it again", `<pre>${escaped(howToReproduce(record, parts.changes.length > 1))}</pre>${source(record)}`),
  ];
}

/** Each that an island ran, in their order. */
function enginesIn(entries: History["islands"][number]["entries"]): string {
  return [...new Set(entries.map(({ engine }) => engine))].join(", ");
}

/** Each change that was made while it ran, with the epoch from which on it held. */
function changesText({ changes }: Parts): string {
  const lines = changes.slice(1).map(({ epoch, settings }, i) => {
    const before = settingLines(changes[i]?.settings ?? settings);
    return `from epoch ${epoch} on: ${settingLines(settings)
      .filter((line) => !before.includes(line))
      .join(" ")}`;
  });
  return lines.length === 0 ? "" : `<pre>${escaped(lines.join("\n"))}</pre>`;
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}

function mapOf({ record, config, live }: Parts): string {
  const { topology, degree } = changed(DEFAULT_SETTINGS, config?.settings ?? record.settings).migration;
  const count = record.plan.islands.length;
  const sources = sourcesOf(topology, count, { degree, seed: record.plan.seed });
  const islands = record.plan.islands.map((name, i) => ({
    label: shortName(name),
    engine: live?.islands[i]?.engine ?? record.plan.engines[i] ?? "",
    color: colorOf(i),
    received: live?.islands[i]?.received ?? 0,
  }));
  return islandMap(islands, sources);
}

function islandRows(live: Live | undefined): string {
  if (live === undefined) return "";
  const head = ["island", "engine", "epoch", "evaluations", "best", "starts", "in", "out", "stale", "quarantined"];
  const rows = live.islands.map((island) => [
    island.name,
    island.engine,
    String(island.epoch),
    String(island.evaluations),
    valueText(island.best ?? Number.POSITIVE_INFINITY),
    ...[island.restarts, island.received, island.sent, island.stale, island.quarantined].map(String),
  ]);
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table>${cells("th", head)}${rows.map((row) => cells("td", row)).join("")}</table></div>`;
}

const GENES_SHOWN = 200;

function found({ result }: Parts): string {
  if (result === undefined) return "<p>The run has not ended.</p>";
  const { best, front } = result;
  const genes =
    best === undefined
      ? ""
      : `${best.value}\n${best.shown === undefined ? "" : `${best.shown}\n`}[${best.genes.slice(0, GENES_SHOWN).join(", ")}${best.genes.length > GENES_SHOWN ? ", …" : ""}]`;
  if (front.length === 0) return `<pre class="genes">${escaped(genes)}</pre>`;
  const points = front.map(({ values }) => [values[0] ?? 0, values[1] ?? 0] as const).sort((a, b) => a[0] - b[0]);
  const series = [{ name: `${front.length} candidates that none dominates`, color: COLORS[0] ?? "#000", points }];
  return curves(series, { x: "first objective", log: "no", dots: true });
}

function source({ source: text }: RunRecord): string {
  return text === undefined
    ? ""
    : `<details><summary>the problem's source</summary><pre>${escaped(text)}</pre></details>`;
}

function shortName(name: string): string {
  return name.split("_").at(-1) ?? name;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:960px;padding:24px;color:#1a1a1a;background:#fff}
h1{margin:0;font-size:28px}h2{font-size:18px;margin:0 0 8px}header p{margin:4px 0 20px;color:#555}
h1,header p{overflow-wrap:anywhere}.keys{font-size:13px;margin:6px 0;display:flex;flex-wrap:wrap;gap:2px 16px}.key{overflow-wrap:anywhere}
section{margin:0 0 28px}.facts{display:flex;flex-wrap:wrap;gap:12px}.facts div{background:#f3f5f8;border-radius:8px;padding:10px 16px;display:flex;flex-direction:column}
.facts b{font-size:19px;font-variant-numeric:tabular-nums}.facts span{color:#555;font-size:13px}
svg{max-width:100%;height:auto;display:block}.settings{columns:260px}.genes{white-space:pre-wrap;overflow-wrap:anywhere}svg.curves{min-width:620px}svg text{fill:#333}details{margin:12px 0}summary{cursor:pointer}pre{background:#f3f5f8;border-radius:8px;padding:12px;overflow:auto;font-size:13px}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}td,th{padding:4px 10px;text-align:right;border-bottom:1px solid #e3e6ea}
td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e8e8e8}.facts div,pre{background:#20252a}.facts span,header p{color:#a5adb5}td,th{border-color:#333}svg text{fill:#c8ced4}}
@media(max-width:600px){body{padding:14px}h1{font-size:22px}.facts div{padding:8px 12px}.facts b{font-size:16px}}`;
