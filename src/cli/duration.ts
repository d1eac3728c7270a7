// Times as people write them: 50ms, 2s, 1.5m, 30d.

import { UsageError } from "./usage.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** In ms. A number without a unit is refused: nobody could tell seconds from milliseconds. */
export function parseDuration(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const ms = Number(found?.[1]) * (UNITS[found?.[2] ?? ""] ?? Number.NaN);
  if (Number.isNaN(ms)) throw new UsageError(`'${text}' is not a time; write it as 50ms, 2s, 1.5m, 1h or 30d`);
  return ms;
}

/** Short, for people: 0.42 ms, 12 ms, 3.1 s, 2 min, 30 days. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(ms < 1 ? 2 : 1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  if (ms < 172_800_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 86_400_000)} days`;
}
