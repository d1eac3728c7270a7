// What is said of a number measured in several rounds: its median, and the least and most it was.

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** NaN throughout where there is no value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: median(sorted), least: sorted.at(0) ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

/** Of the quotients round by round: both sides of each were measured within the same second, so noise hits both. */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread {
  return spreadOf(over.slice(0, under.length).map((value, round) => value / (under[round] ?? Number.NaN)));
}

function median(sorted: readonly number[]): number {
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The value below which the share `part` (0 … 1) of them lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Least squares, a step of one between values. */
export function slopeOf(values: readonly number[]): number {
  const [mean, middle] = [values.reduce((sum, value) => sum + value, 0) / values.length, (values.length - 1) / 2];
  const above = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return above / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}
