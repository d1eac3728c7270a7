// Members with their values, kept by engines that hold a population: chosen from, replaced in, measured, saved.

import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";
import { type Individual, NOT_EVALUATED, type Replacement, rowsOf, type Selection } from "./engine.ts";
import { selected, spreadOf } from "./individuals.ts";

export class Population {
  readonly size: number;
  readonly genes: Float64Array;
  readonly rows: Float64Array[];
  readonly values: Float64Array;
  readonly #widths: Float64Array;

  constructor(size: number, space: Space, saved?: Fields) {
    this.size = size;
    const { buffer, rows } = rowsOf(size, space.dimensions);
    this.genes = buffer;
    this.rows = rows;
    this.values = new Float64Array(size).fill(NOT_EVALUATED);
    this.#widths = space.startUpper.map((high, i) => high - (space.startLower[i] as number));
    if (saved !== undefined) {
      buffer.set(saved.floats("genes", buffer.length));
      this.values.set(saved.floats("values", size));
    }
  }

  save(): StateRecord {
    return { genes: this.genes, values: this.values };
  }

  best(): number {
    return this.#extreme((a, b) => a < b);
  }

  worst(): number {
    return this.#extreme((a, b) => a > b);
  }

  #extreme(before: (a: number, b: number) => boolean): number {
    let found = 0;
    for (let i = 1; i < this.size; i++) {
      if (before(this.values[i] as number, this.values[found] as number)) found = i;
    }
    return found;
  }

  copies(count: number, selection: Selection, random: RandomStream): readonly Individual[] {
    return selected(this.values, { count, selection, random }).map((i) => ({
      genes: (this.rows[i] as Float64Array).slice(),
      values: Float64Array.of(this.values[i] as number),
    }));
  }

  /** Puts each in the place of a member; the best member stays, unless it is beaten. Answers the places. */
  take(individuals: readonly Individual[], replacement: Replacement, random: RandomStream): readonly number[] {
    const places: number[] = [];
    for (const { genes, values } of individuals) {
      const value = values[0] as number;
      const place = replacement === "random" ? random.below(this.size) : this.worst();
      const better = value < (this.values[place] as number);
      if (!better && (replacement === "if-better" || place === this.best())) continue;
      (this.rows[place] as Float64Array).set(genes);
      this.values[place] = value;
      places.push(place);
    }
    return places;
  }

  spread(): number {
    return spreadOf(this.rows, this.#widths);
  }
}
