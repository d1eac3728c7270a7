// A strict reader of Prometheus' text format 0.0.4, and promtool's own judgement where it is installed.

import { spawnSync } from "node:child_process";

export interface Metric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"`;
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|Inf)|\\+Inf|NaN)$`,
);
const UNESCAPED: Readonly<Record<string, string>> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** Throws for the first line that is not as the format has it. */
export function parsedExposition(text: string): ReadonlyMap<string, Metric> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const metrics = new Map<string, Metric & { samples: Metric["samples"][number][] }>();
  const seen = new Set<string>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = new RegExp(`^# HELP (${NAME}) (.*)$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (help !== null) {
      const [, name = "", words = ""] = help;
      if (metrics.has(name)) throw new Error(`${name} comes twice`);
      metrics.set(name, { type: "", help: words, samples: [] });
      current = name;
    } else if (type !== null) {
      const metric = metrics.get(current);
      if (metric === undefined || type[1] !== current || metric.type !== "")
        throw new Error(`TYPE out of place: ${line}`);
      metrics.set(current, { ...metric, type: type[2] ?? "" });
    } else {
      const found = SAMPLE.exec(line);
      const metric = metrics.get(current);
      if (found === null || metric === undefined) throw new Error(`no line of the format: ${line}`);
      const [, name = "", labelText = "", number = ""] = found;
      const suffixes = metric.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      if (!suffixes.some((suffix) => name === `${current}${suffix}`))
        throw new Error(`${name} among those of ${current}`);
      if (seen.has(`${name}{${labelText}}`)) throw new Error(`twice: ${line}`);
      seen.add(`${name}{${labelText}}`);
      metric.samples.push({ name, labels: labelsOf(labelText), value: numberOf(number) });
    }
  }
  for (const [name, { type, samples }] of metrics) if (type === "histogram") checkHistogram(name, samples);
  return metrics;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/g)) {
    if (name in labels) throw new Error(`label ${name} comes twice`);
    labels[name] = value.replace(/\\[\\"n]/g, (pair) => UNESCAPED[pair] ?? "");
  }
  return labels;
}

function numberOf(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

/** Buckets rise in bound and in count, end with +Inf, and the last is the count. */
function checkHistogram(name: string, samples: Metric["samples"]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...others } }) => JSON.stringify(others));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le = "" } }) => numberOf(le));
    const rises = (list: readonly number[]) => list.every((value, i) => i === 0 || value >= (list[i - 1] ?? 0));
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    if (!rises(bounds) || !rises(buckets.map(({ value }) => value))) throw new Error(`${name}${labels} does not rise`);
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== count) {
      throw new Error(`${name}${labels}: the last bucket is not the count`);
    }
  }
}

/** What promtool has against it; undefined where promtool is not installed. */
export function promtoolSays(text: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  if (error !== undefined) return undefined;
  return status === 0 && `${stdout}${stderr}`.trim() === "" ? "" : `exit ${status}: ${stdout}${stderr}`;
}
