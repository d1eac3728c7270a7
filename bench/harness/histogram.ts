// Latencies of one round, kept without an allocation per call.
//
// A value is counted in units of 10 ns in a log-linear table: 128 steps to each power of two, so a quantile is at most
// 0.8 % above the true one. The table ends at 42 s, past any deadline used here.

const STEPS = 128;
const STEP_BITS = 7;
const UNITS_PER_MS = 100_000;
const LARGEST_UNITS = 0xffff_ffff;

export class Histogram {
  // The first row counts the values below 2 * STEPS one by one; each further power of two adds STEPS places.
  readonly #counts = new Uint32Array((32 - STEP_BITS + 1) * STEPS);
  #total = 0;

  record(elapsedMs: number): void {
    const units = Math.min(Math.max(Math.round(elapsedMs * UNITS_PER_MS), 0), LARGEST_UNITS) >>> 0;
    const place = placeOf(units);
    // The table has a place for every 32-bit value.
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#total++;
  }

  get total(): number {
    return this.#total;
  }

  /** Microseconds below which the share `quantile` (0 … 1) of the values lies; NaN where nothing was recorded. */
  quantileUs(quantile: number): number {
    if (this.#total === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(this.#total * quantile));
    let seen = 0;
    for (const [place, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return largestOf(place) / (UNITS_PER_MS / 1_000);
    }
    return LARGEST_UNITS / (UNITS_PER_MS / 1_000);
  }
}

function placeOf(units: number): number {
  const shift = Math.max(0, 31 - Math.clz32(units) - STEP_BITS);
  return shift * STEPS + (units >>> shift);
}

/** The largest value counted at the place. */
function largestOf(place: number): number {
  if (place < 2 * STEPS) return place;
  const shift = Math.floor(place / STEPS) - 1;
  return (place - shift * STEPS + 1) * 2 ** shift - 1;
}
