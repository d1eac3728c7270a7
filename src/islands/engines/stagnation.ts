// Whether a run of an evolution strategy still gets anywhere, by the values it has had.
//
// Hansen (2009): Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed, section 2; Hansen (2016), appendix B.3.

import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";

const TOLERANCE = 1e-12;
const HISTORY_LIMIT = 20_000;
/** Medians of long histories are looked at this seldom. */
const LOOK_EVERY = 10;

export class Stagnation {
  readonly #dimensions: number;
  readonly #lambda: number;
  readonly #best: number[];
  readonly #medians: number[];
  /** 1 for each of the last generations whose best and k-th best were equal. */
  readonly #equal: number[];
  #range = Number.POSITIVE_INFINITY;

  constructor(dimensions: number, lambda: number, saved?: Fields) {
    this.#dimensions = dimensions;
    this.#lambda = lambda;
    this.#best = saved === undefined ? [] : [...saved.floats("best")];
    this.#medians = saved === undefined ? [] : [...saved.floats("medians")];
    this.#equal = saved === undefined ? [] : [...saved.floats("equal")];
    if (saved !== undefined) this.#range = saved.number("range");
  }

  save(): StateRecord {
    return {
      best: Float64Array.from(this.#best),
      medians: Float64Array.from(this.#medians),
      equal: Float64Array.from(this.#equal),
      range: this.#range,
    };
  }

  /** Values of one generation, in the order given by `order`. */
  add(values: Float64Array, order: Int32Array): void {
    const at = (rank: number) => values[order[rank] as number] as number;
    const best = at(0);
    this.#best.push(best);
    this.#medians.push(at(this.#lambda >> 1));
    const kth = Math.min(this.#lambda - 1, Math.ceil(0.1 + this.#lambda / 4));
    this.#equal.push(at(kth) === best ? 1 : 0);
    this.#range = at(this.#lambda - 1) - best;
    if (this.#equal.length > this.#dimensions) this.#equal.shift();
    if (this.#best.length > 2 * HISTORY_LIMIT) {
      this.#best.splice(0, HISTORY_LIMIT);
      this.#medians.splice(0, HISTORY_LIMIT);
    }
  }

  stopped(generation: number): string | undefined {
    const [n, lambda] = [this.#dimensions, this.#lambda];
    if (generation >= 100 + (50 * (n + 3) ** 2) / Math.sqrt(lambda)) return "generations";
    const window = 10 + Math.ceil((30 * n) / lambda);
    if (this.#best.length >= window && this.#range < TOLERANCE) {
      const recent = this.#best.slice(-window);
      if (Math.max(...recent) - Math.min(...recent) < TOLERANCE) return "values";
    }
    if (this.#equal.length >= n && sum(this.#equal) > n / 3) return "equal values";
    if (generation % LOOK_EVERY === 0 && this.#stagnates(generation)) return "stagnation";
    return undefined;
  }

  #stagnates(generation: number): boolean {
    const least = 120 + Math.ceil((30 * this.#dimensions) / this.#lambda);
    const length = Math.min(HISTORY_LIMIT, Math.max(least, Math.floor(0.2 * generation)));
    if (this.#best.length < length) return false;
    return notBetter(this.#best.slice(-length)) && notBetter(this.#medians.slice(-length));
  }
}

/** The later third has no better median than the earlier. */
function notBetter(values: number[]): boolean {
  const part = Math.floor(values.length * 0.3);
  return median(values.slice(-part)) >= median(values.slice(0, part));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}
