// Figures as Prometheus reads them: the text exposition format 0.0.4.

import type { Family, Labels, Sample } from "./family.ts";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function expositionOf(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.flatMap((sample) =>
    type === "histogram" ? histogramLines(name, sample) : [line(name, sample.labels, sample.value)],
  );
  return `# HELP ${name} ${escaped(help, false)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** Each bucket counts all that is below its bound, so each holds those before it. */
function histogramLines(name: string, { labels, value, buckets }: Sample): readonly string[] {
  const { bounds, counts } = buckets ?? { bounds: [], counts: [0] };
  let below = 0;
  const lines = counts.map((count, i) => {
    below += count;
    return line(`${name}_bucket`, { ...labels, le: number(bounds[i] ?? Number.POSITIVE_INFINITY) }, below);
  });
  return [...lines, line(`${name}_sum`, labels, value), line(`${name}_count`, labels, below)];
}

function line(name: string, labels: Labels, value: number): string {
  const named = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text, true)}"`);
  return `${name}${named.length === 0 ? "" : `{${named.join(",")}}`} ${number(value)}\n`;
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escaped(text: string, quoted: boolean): string {
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return quoted ? plain.replaceAll('"', '\\"') : plain;
}
