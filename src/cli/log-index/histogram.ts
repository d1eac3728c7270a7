// Records over time as bars, as wide as the terminal.

import { formatTime } from "../../log-index/records/time.ts";
import { thousands } from "./numbers.ts";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/** Spans of time that people think in, in seconds. */
const STEPS = [1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400];
const ROWS = 24;
const WIDTH = 80;

/** The shortest that needs no more rows than fit. */
export function bucketFor(from: number, to: number, rows = ROWS): number {
  return STEPS.find((step) => (to - from) / step <= rows) ?? 30 * 86_400;
}

/** From the first bucket that has any to the last, empty ones between them too. */
export function histogram(
  buckets: ReadonlyMap<number, number>,
  bucketSeconds: number,
  width = WIDTH,
): readonly string[] {
  const numbers = [...buckets.keys()];
  if (numbers.length === 0) return [];
  const first = numbers.reduce((least, each) => Math.min(least, each));
  const last = numbers.reduce((most, each) => Math.max(most, each));
  const highest = Math.max(...buckets.values());
  const digits = thousands(highest).length;
  const labelOf = (bucket: number) => labelled(bucket * bucketSeconds, bucketSeconds);
  const room = Math.max(8, width - labelOf(first).length - digits - 4);
  const lines: string[] = [];
  for (let bucket = first; bucket <= last; bucket++) {
    const count = buckets.get(bucket) ?? 0;
    lines.push(`${labelOf(bucket)}  ${thousands(count).padStart(digits)}  ${bar((count / highest) * room)}`.trimEnd());
  }
  return lines;
}

function labelled(time: number, bucketSeconds: number): string {
  const text = formatTime(time).replace("T", " ").replace("Z", "");
  if (bucketSeconds >= 86_400) return text.slice(0, 10);
  return bucketSeconds >= 60 ? text.slice(0, 16) : text;
}

function bar(length: number): string {
  const whole = Math.floor(length);
  const rest = EIGHTHS[Math.floor((length - whole) * 8)] ?? "";
  // What is there at all is seen.
  return "█".repeat(whole) + rest || (length > 0 ? "▏" : "");
}
