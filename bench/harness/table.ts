// Tables and numbers as people read them: Markdown for a terminal and for docs/BENCHMARKS.md alike.

import type { Spread } from "./statistics.ts";

export function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const row = (line: readonly string[]) =>
    `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [row(head), row(widths.map((width) => "-".repeat(width))), ...lines.map(row)].join("\n");
}

/** Median, and in brackets the least and the most of the rounds. */
export function range({ median, least, most }: Spread): string {
  if (Number.isNaN(median)) return "–";
  return `${number(median)} (${number(least)}–${number(most)})`;
}

/** Three digits that matter. */
export function number(value: number): string {
  if (Number.isNaN(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = value >= 1_000 ? Number(value.toPrecision(3)) : value;
  return rounded.toLocaleString("en-US", { maximumFractionDigits: digits });
}
