// Differential evolution, with fixed or self-adapting parameters.
//
// Storn, Price (1997), Journal of Global Optimization 11: rand/1, best/1, current-to-best/1 with binomial crossover.
// Self-adaptation (jDE): Brest, Greiner, Bošković, Mernik, Žumer (2006), IEEE Transactions on Evolutionary Computation 10(6).
// A population that has contracted to a point starts anew where it has not been.
//
// A hot path (bench/islands-speed.ts): nothing is allocated in ask and tell.

import { Fault } from "unum";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import {
  type Engine,
  type Individual,
  membersFor,
  NOT_EVALUATED,
  type Replacement,
  rowsOf,
  type Selection,
} from "./engine.ts";
import { Population } from "./population.ts";

export interface DeOptions {
  /** Default rand/1. */
  readonly strategy?: "rand/1" | "best/1" | "current-to-best/1";
  /** Members. Default 5 per dimension, at least 20, and a million numbers at most. */
  readonly population?: number;
  /** How far differences are added, and how many genes are taken over; default: self-adapting. */
  readonly factor?: number;
  readonly crossover?: number;
}

/** Values closer than this, relative to their size, count as one point. */
const CONTRACTED = 1e-13;

export class DifferentialEvolution implements Engine {
  readonly kind = "de";
  readonly #space: Space;
  readonly #random: RandomStream;
  readonly #strategy: number;
  readonly #adapts: boolean;
  readonly #population: Population;
  readonly #trials: { readonly buffer: Float64Array; readonly rows: Float64Array[] };
  readonly #factors: Float64Array;
  readonly #crossovers: Float64Array;
  readonly #nextFactors: Float64Array;
  readonly #nextCrossovers: Float64Array;
  #bestEver: Individual | undefined;
  #restarts = 1;
  /** Whether the members are yet to be evaluated for the first time. */
  #fresh = true;

  constructor(space: Space, random: RandomStream, options: DeOptions = {}, saved?: StateRecord) {
    if (space.genome !== "real" || space.objectives !== 1) {
      throw new Fault("invalid", `de needs real genes and one objective, not ${space.objectives} of ${space.genome}`);
    }
    const usual = membersFor(Math.max(20, 5 * space.dimensions), space.dimensions, 1e6);
    const size = Math.max(5, options.population ?? usual);
    this.#space = space;
    this.#random = random;
    this.#strategy = ["rand/1", "best/1", "current-to-best/1"].indexOf(options.strategy ?? "rand/1");
    this.#adapts = options.factor === undefined && options.crossover === undefined;
    const fields = saved === undefined ? undefined : new Fields(saved);
    this.#population = new Population(size, space, fields?.of("population"));
    this.#trials = rowsOf(size, space.dimensions);
    this.#factors = fields?.floats("factors", size) ?? new Float64Array(size).fill(options.factor ?? 0.5);
    this.#crossovers = fields?.floats("crossovers", size) ?? new Float64Array(size).fill(options.crossover ?? 0.9);
    this.#nextFactors = new Float64Array(size);
    this.#nextCrossovers = new Float64Array(size);
    if (fields === undefined) return;
    this.#restarts = fields.number("restarts");
    this.#fresh = fields.yes("fresh");
    if (fields.maybe("best") !== undefined) {
      const best = fields.of("best");
      this.#bestEver = { genes: best.floats("genes"), values: best.floats("values") };
    }
  }

  get restarts(): number {
    return this.#restarts;
  }

  ask(): readonly Float64Array[] {
    if (this.#fresh) {
      this.#scatter();
      return this.#population.rows;
    }
    const { size } = this.#population;
    const best = this.#strategy === 0 ? 0 : this.#population.best();
    for (let i = 0; i < size; i++) {
      if (this.#adapts) this.#adapt(i);
      const a = this.#other(i, -1, -1);
      const b = this.#other(i, a, -1);
      const c = this.#other(i, a, b);
      this.#cross(i, this.#strategy === 1 ? best : a, b, c, best);
    }
    return this.#trials.rows;
  }

  /** A member that is neither of these. */
  #other(i: number, a: number, b: number): number {
    const { size } = this.#population;
    for (;;) {
      const drawn = this.#random.below(size);
      if (drawn !== i && drawn !== a && drawn !== b) return drawn;
    }
  }

  /** Members by their places; numbers alone, since an object of them would be allocated for each candidate. */
  #cross(i: number, base: number, b: number, c: number, best: number): void {
    const { genes, rows } = this.#population;
    const own = rows[i] as Float64Array;
    const trial = this.#trials.rows[i] as Float64Array;
    const factor = (this.#adapts ? this.#nextFactors[i] : this.#factors[i]) as number;
    const crossover = (this.#adapts ? this.#nextCrossovers[i] : this.#crossovers[i]) as number;
    const n = trial.length;
    const [ofBase, ofB, ofC, ofBest] = [base * n, b * n, c * n, best * n];
    const { lower, upper } = this.#space;
    const random = this.#random;
    const towards = this.#strategy === 2;
    const certain = random.below(n);
    // Compared as whole numbers: one draw of 32 bits for a gene.
    const limit = crossover * 4294967296;
    for (let j = 0; j < n; j++) {
      const old = own[j] as number;
      if (j !== certain && random.u32() >= limit) {
        trial[j] = old;
        continue;
      }
      const difference = factor * ((genes[ofB + j] as number) - (genes[ofC + j] as number));
      let gene = towards
        ? old + factor * ((genes[ofBest + j] as number) - old) + difference
        : (genes[ofBase + j] as number) + difference;
      const low = lower[j] as number;
      const high = upper[j] as number;
      // Half of the way to the bound that was passed.
      if (gene < low) gene = (low + old) / 2;
      else if (gene > high) gene = (high + old) / 2;
      trial[j] = gene;
    }
  }

  #adapt(i: number): void {
    const random = this.#random;
    this.#nextFactors[i] = random.float() < 0.1 ? 0.1 + 0.9 * random.float() : (this.#factors[i] as number);
    this.#nextCrossovers[i] = random.float() < 0.1 ? random.float() : (this.#crossovers[i] as number);
  }

  #scatter(): void {
    const { startLower, startUpper, dimensions } = this.#space;
    for (const row of this.#population.rows) {
      for (let i = 0; i < dimensions; i++) {
        row[i] = this.#random.between(startLower[i] as number, startUpper[i] as number);
      }
    }
  }

  tell(values: Float64Array): void {
    const { size, genes, values: old } = this.#population;
    if (this.#fresh) {
      old.set(values.subarray(0, size));
      this.#fresh = false;
      return;
    }
    const n = this.#space.dimensions;
    const trials = this.#trials.buffer;
    for (let i = 0; i < size; i++) {
      if ((values[i] as number) > (old[i] as number)) continue;
      old[i] = values[i] as number;
      for (let j = i * n; j < (i + 1) * n; j++) genes[j] = trials[j] as number;
      if (!this.#adapts) continue;
      this.#factors[i] = this.#nextFactors[i] as number;
      this.#crossovers[i] = this.#nextCrossovers[i] as number;
    }
    if (this.#hasContracted()) this.#restart();
  }

  #hasContracted(): boolean {
    const { values, size } = this.#population;
    let [least, most] = [values[0] as number, values[0] as number];
    for (let i = 1; i < size; i++) {
      const value = values[i] as number;
      if (value < least) least = value;
      else if (value > most) most = value;
    }
    return most !== NOT_EVALUATED && most - least <= CONTRACTED * Math.max(1, Math.abs(least));
  }

  #restart(): void {
    const best = this.#population.copies(1, "best", this.#random)[0];
    const known = this.#bestEver?.values[0] ?? Number.POSITIVE_INFINITY;
    if (best !== undefined && (best.values[0] as number) < known) this.#bestEver = best;
    this.#population.values.fill(NOT_EVALUATED);
    this.#fresh = true;
    this.#restarts++;
  }

  emigrants(count: number, selection: Selection): readonly Individual[] {
    const chosen = this.#fresh ? [] : this.#population.copies(count, selection, this.#random);
    return this.#bestEver !== undefined && chosen.length === 0 ? [this.#bestEver] : chosen;
  }

  immigrate(individuals: readonly Individual[], replacement: Replacement): void {
    if (!this.#fresh) this.#population.take(individuals, replacement, this.#random);
  }

  spread(): number {
    return this.#population.spread();
  }

  figures(): Readonly<Record<string, number>> {
    return { population: this.#population.size };
  }

  save(): StateRecord {
    return {
      population: this.#population.save(),
      factors: this.#factors,
      crossovers: this.#crossovers,
      restarts: this.#restarts,
      fresh: this.#fresh,
      best: this.#bestEver === undefined ? undefined : { genes: this.#bestEver.genes, values: this.#bestEver.values },
    };
  }
}
