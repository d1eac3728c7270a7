// Figures of a run as lines for a terminal.

import { INFEASIBLE } from "../../islands/evaluator.ts";
import { type Column, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { IslandLive, Live } from "./figures.ts";

const COLUMNS: readonly Column[] = [
  { title: "ISLAND", least: 9 },
  { title: "ENGINE", least: 4 },
  { title: "EPOCH", align: "right", spare: 1 },
  { title: "EVALUATIONS", align: "right" },
  { title: "BEST", align: "right" },
  { title: "SPREAD", align: "right", spare: 3 },
  { title: "STARTS", align: "right", spare: 5 },
  { title: "IN", align: "right", spare: 4 },
  { title: "OUT", align: "right", spare: 6 },
  { title: "ENERGY", align: "right", spare: 7 },
  { title: "QUARANTINED", align: "right", spare: 8 },
  { title: "PID", align: "right", spare: 2 },
  { title: "NODE", spare: 2, least: 6 },
];

export function liveLine(live: Live): string {
  const target = live.target === undefined ? "" : `, target ${valueText(live.target)}`;
  const parts = [
    `${live.run}: epoch ${live.epoch}`,
    `best ${valueText(live.best)}${target}`,
    `${countText(live.evaluations)} evaluations`,
    `${countText(live.perSecond)}/s`,
    `${live.migrations} migrations`,
    ...(live.proposals?.asked > 0
      ? [`${live.proposals.candidates} proposed for ${countText(live.proposals.cost)}`]
      : []),
    ...(live.recoveries > 0 ? [`${live.recoveries} recoveries`] : []),
    ...(live.quarantined > 0 ? [`${live.quarantined} quarantined`] : []),
  ];
  return parts.join(" · ");
}

export function islandTable(
  live: Live,
  look: { readonly paint: Terminal["paint"]; readonly width: number | undefined },
): readonly string[] {
  const best = Math.min(...live.islands.map((island) => island.best));
  const rows = live.islands.map((island) => rowOf(island, island.best === best, look.paint));
  const isEmpty = (title: string) =>
    (title === "ENERGY" && !live.islands.some(({ own }) => "energy" in own)) ||
    (title === "NODE" && !live.islands.some(({ on }) => on !== undefined));
  const columns = COLUMNS.filter(({ title }) => !isEmpty(title));
  const kept = rows.map((row) => row.filter((_, i) => !isEmpty(COLUMNS[i]?.title ?? "")));
  return table(columns, kept, { width: look.width, title: (text) => look.paint("bold", text) });
}

function rowOf(island: IslandLive, isBest: boolean, paint: Terminal["paint"]): readonly string[] {
  const best = valueText(island.best);
  return [
    // The node's part is the same for all here; the salt tells them apart.
    island.name.split("_").at(-1) ?? island.name,
    island.engine,
    String(island.epoch),
    countText(island.evaluations),
    isBest ? paint("green", best) : best,
    island.spread.toPrecision(2),
    String(island.restarts),
    String(island.received),
    String(island.sent),
    island.own["energy"] === undefined ? "" : String(island.own["energy"]),
    String(island.quarantined),
    island.pid === undefined ? "" : String(island.pid),
    island.on ?? "",
  ];
}

/** Short, and enough to tell values apart. */
export function valueText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  // Candidates that break constraints lie there, above all values.
  if (value >= INFEASIBLE) return "infeasible";
  const size = Math.abs(value);
  if (value === 0) return "0";
  return size >= 1e-3 && size < 1e7 ? String(Number(value.toPrecision(9))) : value.toExponential(3);
}

/** 950, 12.3 k, 4.56 M. */
export function countText(count: number): string {
  if (count < 1_000) return String(Math.round(count));
  if (count < 1e6) return `${(count / 1e3).toPrecision(3)} k`;
  if (count < 1e9) return `${(count / 1e6).toPrecision(3)} M`;
  return `${(count / 1e9).toPrecision(3)} G`;
}
