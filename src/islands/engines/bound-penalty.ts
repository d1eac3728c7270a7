// Bounds for engines that know none: the nearest point inside is evaluated, and being away from it counts as worse.
//
// After Hansen, Niederberger, Guzzella, Koumoutsakos (2009): A Method for Handling Uncertainty in Evolutionary Optimization,
// appendix; the weight follows the spread of values in the generation.

import type { Space } from "../space.ts";
import type { Descent } from "./descent.ts";
import { rank, rowsOf } from "./engine.ts";

export class BoundPenalty {
  readonly #space: Space;
  #inside: Float64Array[] = [];
  #asked: readonly Float64Array[] = [];
  #values = new Float64Array(0);
  #order = new Int32Array(0);

  constructor(space: Space) {
    this.#space = space;
  }

  /** The rows last brought inside. */
  get rows(): readonly Float64Array[] {
    return this.#inside;
  }

  inside(rows: readonly Float64Array[]): readonly Float64Array[] {
    const { lower, upper, dimensions } = this.#space;
    if (this.#inside.length !== rows.length) {
      this.#inside = rowsOf(rows.length, dimensions).rows;
      this.#values = new Float64Array(rows.length);
      this.#order = new Int32Array(rows.length);
    }
    this.#asked = rows;
    for (let k = 0; k < rows.length; k++) {
      const from = rows[k] as Float64Array;
      const to = this.#inside[k] as Float64Array;
      for (let i = 0; i < dimensions; i++) {
        to[i] = Math.min(upper[i] as number, Math.max(lower[i] as number, from[i] as number));
      }
    }
    return this.#inside;
  }

  penalized(values: Float64Array, descent: Descent): Float64Array {
    const count = this.#asked.length;
    rank(this.#order, values);
    const quarter = (share: number) => values[this.#order[Math.floor(share * (count - 1))] as number] as number;
    const range = quarter(0.75) - quarter(0.25);
    const weight = Number.isFinite(range) && range > 0 ? range : 1e-300;
    for (let k = 0; k < count; k++) {
      const from = this.#asked[k] as Float64Array;
      const to = this.#inside[k] as Float64Array;
      let excess = 0;
      for (let i = 0; i < from.length; i++) {
        const away = (from[i] as number) - (to[i] as number);
        if (away !== 0) excess += (away / descent.deviation(i)) ** 2;
      }
      this.#values[k] = (values[k] as number) + weight * excess;
    }
    return this.#values;
  }
}
