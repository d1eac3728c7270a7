// The result as Markdown tables, for a terminal and for docs/BENCHMARKS.md alike.

import { UNDER_WAY_LIMIT_BYTES } from "../rows/pairs.ts";
import { LABELS } from "../systems/index.ts";
import { type Result, refusalsOf } from "./result.ts";
import type { Row } from "./row.ts";
import { spreadsOf } from "./summary.ts";
import { markdown, number, range } from "./table.ts";
import { type Target, verdictOf } from "./target.ts";

const TITLES: Readonly<Record<string, string>> = {
  pair: "Two processes, 200 B",
  direct: "One process, 200 B",
  sizes: "Sizes and calls in flight, two processes",
};

const UNDER_WAY_NOTE = `Left out: 512 in flight of 1 MB; at most ${UNDER_WAY_LIMIT_BYTES / 1_000_000} MB are under way at once.`;

export function reportOf(result: Result): string {
  const tables = Object.keys(TITLES).flatMap((table) => rowsTable(table, result));
  const parts = [heading(result), ...tables, memoryTable(result), targetsTable(result.targets), refusals(result)];
  return parts.filter((part) => part !== "").join("\n\n");
}

function heading({ machine, method, rounds }: Result): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const computer = `${machine.processor}, ${machine.processors} processors, ${machine.memoryGb} GB, ${machine.kernel}`;
  const load = `load ${machine.loadBefore.toFixed(1)} before`;
  return `${method}\n\n${rounds} rounds. ${computer}; ${load}; ${versions.join(", ")}; ${machine.at.slice(0, 10)}.`;
}

function rowsTable(table: string, { rows }: Result): string[] {
  const lines = rows.filter((row) => row.table === table).flatMap(rowLines);
  if (lines.length === 0) return [];
  const head = ["size", "in flight", "system", "calls/s", "p50 µs", "p99 µs", "CPU µs a call"];
  const note = table === "sizes" ? `\n\n${UNDER_WAY_NOTE}` : "";
  return [`### ${TITLES[table]}\n\n${markdown(head, lines)}${note}`];
}

function rowLines({ cell, outcomes, leftOut }: Row): string[][] {
  const start = [bytes(cell.sizeBytes), String(cell.inFlight)];
  const measured = [...outcomes].map(([name, outcome]) => {
    const label = LABELS[name] ?? name;
    if (outcome.kind === "refused") return [...start, label, `refused: ${short(outcome.reason)}`, "", "", ""];
    const { callsPerSecond, p50Us, p99Us, cpuUsPerCall } = spreadsOf(outcome);
    return [...start, label, range(callsPerSecond), range(p50Us), range(p99Us), range(cpuUsPerCall)];
  });
  const left = [...leftOut].map(([name, why]) => [...start, LABELS[name] ?? name, `left out: ${why}`, "", "", ""]);
  return [...measured, ...left];
}

function memoryTable({ memory }: Result): string {
  if (memory.size === 0) return "";
  const lines = [...memory].map(([name, outcome]) => {
    const label = LABELS[name] ?? name;
    if (outcome.kind === "refused") return [label, `refused: ${short(outcome.reason)}`, "", "", ""];
    const { idleCalled, calledKbPer1000, callingKbPer1000 } = outcome.figures;
    return [
      label,
      `${megabytes(idleCalled.pssKb)} MB`,
      `${megabytes(idleCalled.privateKb)} MB`,
      Number.isNaN(calledKbPer1000) ? "–" : `${Math.round(calledKbPer1000)} kB`,
      Number.isNaN(callingKbPer1000) ? "–" : `${Math.round(callingKbPer1000)} kB`,
    ];
  });
  const head = ["system", "idle, PSS", "idle, private", "called side per 1,000 calls", "calling side per 1,000 calls"];
  return `### Memory\n\n${markdown(head, lines)}`;
}

function targetsTable(targets: readonly Target[]): string {
  if (targets.length === 0) return "";
  const lines = targets.map((target) => {
    const { says, measured, bound, unit } = target;
    const asked = [target.target, target.goal].map((limit) =>
      limit === undefined ? "–" : `${bound} ${number(limit)}${unit}`,
    );
    const found = Number.isNaN(measured.median) ? "–" : `${range(measured)}${unit}`;
    return [says, found, ...asked, verdictOf(target)];
  });
  return `### Targets\n\n${markdown(["what", "measured", "target", "goal", ""], lines)}`;
}

function refusals(result: Result): string {
  const refused = refusalsOf(result);
  return refused.length === 0 ? "" : `### Refused\n\n${refused.map((line) => `- ${line.split("\n")[0]}`).join("\n")}`;
}

function bytes(size: number): string {
  return size >= 1_000_000 ? `${size / 1_000_000} MB` : size >= 1_000 ? `${size / 1_000} kB` : `${size} B`;
}

function megabytes(kilobytes: number): string {
  return (kilobytes / 1_024).toFixed(1);
}

function short(reason: string): string {
  return reason.split("\n")[0]?.slice(0, 120).replaceAll("|", "/") ?? "";
}
