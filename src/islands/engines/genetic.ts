// A genetic algorithm for real genes, bits and permutations.
//
// Holland (1975); selection by tournament: Goldberg, Deb (1991), Foundations of Genetic Algorithms. With a population of one,
// one child, no crossover and survival of the better, it is the (1+1) EA of theory: Droste, Jansen, Wegener (2002).

import { Fault } from "unum";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import {
  type Engine,
  type Individual,
  NOT_EVALUATED,
  type Replacement,
  rank,
  rowsOf,
  type Selection,
} from "./engine.ts";
import { Population } from "./population.ts";
import { breed, mutate, scatter, type Variation } from "./variation.ts";

export interface GeneticOptions extends Variation {
  /** Default 100. */
  readonly population?: number;
  /** Children of a generation. Default as many as there are members. */
  readonly children?: number;
  /** How many are compared for each parent. Default 2. */
  readonly tournament?: number;
  /** children: they replace all but the best member; plus: the best of both stay. Default children. */
  readonly survival?: "children" | "plus";
}

export class Genetic implements Engine {
  readonly kind = "ga";
  readonly restarts = 1;
  readonly #space: Space;
  readonly #random: RandomStream;
  readonly #options: GeneticOptions;
  readonly #population: Population;
  readonly #children: Float64Array[];
  /** For the second child where an odd number is wanted. */
  readonly #spare: Float64Array;
  #fresh = true;

  constructor(space: Space, random: RandomStream, options: GeneticOptions = {}, saved?: StateRecord) {
    if (space.objectives !== 1) {
      throw new Fault("invalid", `ga needs one objective, not ${space.objectives}; nsga2 takes several`);
    }
    this.#space = space;
    this.#random = random;
    this.#options = options;
    const fields = saved === undefined ? undefined : new Fields(saved);
    this.#population = new Population(options.population ?? 100, space, fields?.of("population"));
    this.#children = rowsOf(options.children ?? this.#population.size, space.dimensions).rows;
    this.#spare = new Float64Array(space.dimensions);
    if (fields !== undefined) this.#fresh = fields.yes("fresh");
  }

  ask(): readonly Float64Array[] {
    const { rows } = this.#population;
    if (this.#fresh) {
      for (const row of rows) scatter(this.#space, row, this.#random);
      return rows;
    }
    const children = this.#children;
    for (let k = 0; k < children.length; k += 2) {
      const [a, b] = [rows[this.#parent()] as Float64Array, rows[this.#parent()] as Float64Array];
      const first = children[k] as Float64Array;
      if (children.length === 1) {
        first.set(a);
        mutate(this.#space, first, this.#random, this.#options);
      } else breed(this.#space, [a, b], [first, children[k + 1] ?? this.#spare], this.#random, this.#options);
    }
    return children;
  }

  #parent(): number {
    const { size, values } = this.#population;
    let best = this.#random.below(size);
    for (let round = 1; round < (this.#options.tournament ?? 2); round++) {
      const other = this.#random.below(size);
      if ((values[other] as number) < (values[best] as number)) best = other;
    }
    return best;
  }

  tell(values: Float64Array): void {
    const population = this.#population;
    if (this.#fresh) {
      population.values.set(values.subarray(0, population.size));
      this.#fresh = false;
      return;
    }
    if (this.#options.survival === "plus") this.#survive(values);
    else this.#replace(values);
  }

  /** Children take all places but the best member's, which goes only to a better one. */
  #replace(values: Float64Array): void {
    const { rows, values: old, size } = this.#population;
    const best = this.#population.best();
    const kept = { genes: (rows[best] as Float64Array).slice(), value: old[best] as number };
    const count = Math.min(size, this.#children.length);
    for (let i = 0; i < count; i++) {
      (rows[i] as Float64Array).set(this.#children[i] as Float64Array);
      old[i] = values[i] as number;
    }
    if ((old[this.#population.best()] as number) <= kept.value) return;
    const worst = this.#population.worst();
    (rows[worst] as Float64Array).set(kept.genes);
    old[worst] = kept.value;
  }

  #survive(values: Float64Array): void {
    const { rows, values: old, size } = this.#population;
    const count = this.#children.length;
    if (size === 1 && count === 1) {
      if ((values[0] as number) > (old[0] as number)) return;
      (rows[0] as Float64Array).set(this.#children[0] as Float64Array);
      old[0] = values[0] as number;
      return;
    }
    // Children first, so that of equals the newer stays.
    const all = Float64Array.of(...values.subarray(0, count), ...old);
    const order = new Int32Array(all.length);
    rank(order, all);
    const kept = [...order.subarray(0, size)];
    const genes = kept
      .map((i) => (i < count ? this.#children[i] : rows[i - count]) as Float64Array)
      .map((row) => row.slice());
    for (const [i, row] of genes.entries()) {
      (rows[i] as Float64Array).set(row);
      old[i] = all[kept[i] as number] as number;
    }
  }

  emigrants(count: number, selection: Selection): readonly Individual[] {
    return this.#fresh ? [] : this.#population.copies(count, selection, this.#random);
  }

  immigrate(individuals: readonly Individual[], replacement: Replacement): void {
    if (!this.#fresh) this.#population.take(individuals, replacement, this.#random);
  }

  spread(): number {
    return this.#population.spread();
  }

  figures(): Readonly<Record<string, number>> {
    const worst = this.#population.values[this.#population.worst()] as number;
    return { population: this.#population.size, ...(worst === NOT_EVALUATED ? undefined : { worst }) };
  }

  save(): StateRecord {
    return { population: this.#population.save(), fresh: this.#fresh };
  }
}
