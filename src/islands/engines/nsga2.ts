// NSGA-II, for several objectives.
//
// Deb, Pratap, Agarwal, Meyarivan (2002): A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II, IEEE Transactions on
// Evolutionary Computation 6(2).

import { Fault } from "unum";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import { type Engine, type Individual, type Replacement, rowsOf, type Selection } from "./engine.ts";
import { spreadOf } from "./individuals.ts";
import { crowding, frontsOf } from "./pareto.ts";
import { breed, scatter, type Variation } from "./variation.ts";

export interface Nsga2Options extends Variation {
  /** An even number. Default 100. */
  readonly population?: number;
}

export class Nsga2 implements Engine {
  readonly kind = "nsga2";
  readonly restarts = 1;
  readonly #space: Space;
  readonly #random: RandomStream;
  readonly #options: Nsga2Options;
  readonly #size: number;
  #rows: Float64Array[];
  /** One for each member: its objectives. */
  #values: Float64Array[];
  #front: Int32Array;
  #crowding: Float64Array;
  #fresh = true;
  readonly #children: Float64Array[];

  constructor(space: Space, random: RandomStream, options: Nsga2Options = {}, saved?: StateRecord) {
    if (space.objectives < 2) throw new Fault("invalid", "nsga2 needs two objectives or more; ga and cma take one");
    this.#space = space;
    this.#random = random;
    this.#options = options;
    this.#size = 2 * Math.ceil((options.population ?? 100) / 2);
    const { rows, buffer } = rowsOf(this.#size, space.dimensions);
    const values = rowsOf(this.#size, space.objectives);
    this.#rows = rows;
    this.#values = values.rows;
    this.#front = new Int32Array(this.#size);
    this.#crowding = new Float64Array(this.#size);
    this.#children = rowsOf(this.#size, space.dimensions).rows;
    if (saved === undefined) return;
    const fields = new Fields(saved);
    buffer.set(fields.floats("genes", buffer.length));
    values.buffer.set(fields.floats("values", values.buffer.length));
    this.#front = fields.words("front");
    this.#crowding = fields.floats("crowding", this.#size);
    this.#fresh = fields.yes("fresh");
  }

  save(): StateRecord {
    return {
      genes: joined(this.#rows, this.#space.dimensions),
      values: joined(this.#values, this.#space.objectives),
      front: this.#front,
      crowding: this.#crowding,
      fresh: this.#fresh,
    };
  }

  ask(): readonly Float64Array[] {
    if (this.#fresh) {
      for (const row of this.#rows) scatter(this.#space, row, this.#random);
      return this.#rows;
    }
    for (let k = 0; k < this.#size; k += 2) {
      const parents = [this.#rows[this.#parent()], this.#rows[this.#parent()]] as [Float64Array, Float64Array];
      const children = [this.#children[k], this.#children[k + 1]] as [Float64Array, Float64Array];
      breed(this.#space, parents, children, this.#random, this.#options);
    }
    return this.#children;
  }

  /** The lower front of two, then the one with more room. */
  #parent(): number {
    const [a, b] = [this.#random.below(this.#size), this.#random.below(this.#size)];
    return this.#before(a, b) ? a : b;
  }

  #before(a: number, b: number): boolean {
    const [first, second] = [this.#front[a] as number, this.#front[b] as number];
    if (first !== second) return first < second;
    return (this.#crowding[a] as number) > (this.#crowding[b] as number);
  }

  tell(values: Float64Array): void {
    const { objectives } = this.#space;
    const told = Array.from({ length: this.#size }, (_, k) => values.slice(k * objectives, (k + 1) * objectives));
    if (this.#fresh) {
      this.#fresh = false;
      this.#keep(this.#rows, told);
    } else {
      const children = this.#children.map((row) => row.slice());
      this.#keep([...this.#rows, ...children], [...this.#values, ...told]);
    }
  }

  /** The best fronts that fit, and of the one that does not fit those with most room. */
  #keep(rows: readonly Float64Array[], values: readonly Float64Array[]): void {
    const kept: { row: Float64Array; value: Float64Array; front: number; crowding: number }[] = [];
    for (const [front, members] of frontsOf(values).entries()) {
      const room = crowding(members.map((i) => values[i] as Float64Array));
      const order = members.map((i, place) => ({ i, crowding: room[place] as number }));
      if (kept.length + order.length > this.#size) order.sort((a, b) => b.crowding - a.crowding || a.i - b.i);
      for (const each of order.slice(0, this.#size - kept.length)) {
        const [row, value] = [rows[each.i] as Float64Array, values[each.i] as Float64Array];
        kept.push({ row, value, front, crowding: each.crowding });
      }
      if (kept.length >= this.#size) break;
    }
    this.#rows = kept.map(({ row }) => row);
    this.#values = kept.map(({ value }) => value);
    this.#front = Int32Array.from(kept, ({ front }) => front);
    this.#crowding = Float64Array.from(kept, (each) => each.crowding);
  }

  /** Members that none dominates. */
  front(): readonly Individual[] {
    if (this.#fresh) return [];
    return this.#rows.flatMap((genes, i) =>
      this.#front[i] === 0 ? [{ genes: genes.slice(), values: (this.#values[i] as Float64Array).slice() }] : [],
    );
  }

  /** Of the first front: those with most room, or any. */
  emigrants(count: number, selection: Selection): readonly Individual[] {
    const front = [...this.#front.keys()].filter((i) => this.#front[i] === 0);
    const chosen =
      selection === "random"
        ? Array.from({ length: Math.min(count, front.length) }, () => front[this.#random.below(front.length)] as number)
        : front.sort((a, b) => (this.#crowding[b] as number) - (this.#crowding[a] as number) || a - b).slice(0, count);
    if (this.#fresh) return [];
    return chosen.map((i) => ({
      genes: (this.#rows[i] as Float64Array).slice(),
      values: (this.#values[i] as Float64Array).slice(),
    }));
  }

  immigrate(individuals: readonly Individual[], _replacement: Replacement): void {
    if (this.#fresh || individuals.length === 0) return;
    const rows = [...this.#rows, ...individuals.map(({ genes }) => genes.slice())];
    this.#keep(rows, [...this.#values, ...individuals.map(({ values }) => values.slice())]);
  }

  spread(): number {
    const { startLower, startUpper } = this.#space;
    const widths = startUpper.map((high, i) => high - (startLower[i] as number));
    return spreadOf(this.#rows, widths);
  }

  figures(): Readonly<Record<string, number>> {
    return { population: this.#size, front: this.#front.filter((each) => each === 0).length };
  }
}

function joined(rows: readonly Float64Array[], width: number): Float64Array {
  const all = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return all;
}
