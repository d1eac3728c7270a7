// L-SHADE: differential evolution that remembers which parameters worked, with a population that shrinks to nothing left to try.
//
// Tanabe, Fukunaga (2014): Improving the Search Performance of SHADE Using Linear Population Size Reduction, CEC. The paper
// shrinks the population by a budget known beforehand; here each run has a budget, and the next one twice as much.

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
  rank,
  rowsOf,
  type Selection,
} from "./engine.ts";
import { readIndividual, saveIndividual, selected, spreadOf } from "./individuals.ts";

export interface ShadeOptions {
  /** Members to begin with. Default 18 per dimension, and 300,000 numbers at most: the archive has more. */
  readonly population?: number;
  /** Evaluations of the first run. Default 2,000 per dimension. */
  readonly budget?: number;
}

const MEMORY = 6;
const LEAST = 4;
/** The best share is where a difference points to. */
const BEST_SHARE = 0.11;
const ARCHIVE_SHARE = 2.6;

export class Shade implements Engine {
  readonly kind = "shade";
  readonly #space: Space;
  readonly #random: RandomStream;
  readonly #first: number;
  #members: Float64Array[] = [];
  #values: number[] = [];
  #archive: Float64Array[] = [];
  #memoryF: Float64Array = new Float64Array(MEMORY).fill(0.5);
  #memoryCr: Float64Array = new Float64Array(MEMORY).fill(0.8);
  #slot = 0;
  #spent = 0;
  #budget: number;
  #restarts = 1;
  #fresh = true;
  #bestEver: Individual | undefined;
  readonly #trials: Float64Array[];
  readonly #f: Float64Array;
  readonly #cr: Float64Array;

  constructor(space: Space, random: RandomStream, options: ShadeOptions = {}, saved?: StateRecord) {
    if (space.genome !== "real" || space.objectives !== 1) {
      throw new Fault(
        "invalid",
        `shade needs real genes and one objective, not ${space.objectives} of ${space.genome}`,
      );
    }
    this.#space = space;
    this.#random = random;
    this.#first = Math.max(2 * LEAST, options.population ?? membersFor(18 * space.dimensions, space.dimensions, 3e5));
    this.#budget = options.budget ?? 2_000 * space.dimensions;
    this.#trials = rowsOf(this.#first, space.dimensions).rows;
    this.#f = new Float64Array(this.#first);
    this.#cr = new Float64Array(this.#first);
    if (saved !== undefined) this.#restore(new Fields(saved));
  }

  #restore(fields: Fields): void {
    const n = this.#space.dimensions;
    const split = (all: Float64Array) =>
      Array.from({ length: all.length / n }, (_, i) => all.slice(i * n, (i + 1) * n));
    this.#members = split(fields.floats("members"));
    this.#values = [...fields.floats("values")];
    this.#archive = split(fields.floats("archive"));
    this.#memoryF = fields.floats("memoryF", MEMORY);
    this.#memoryCr = fields.floats("memoryCr", MEMORY);
    this.#slot = fields.number("slot");
    this.#spent = fields.number("spent");
    this.#budget = fields.number("budget");
    this.#restarts = fields.number("restarts");
    this.#fresh = fields.yes("fresh");
    if (fields.maybe("best") !== undefined) this.#bestEver = readIndividual(fields.of("best"));
  }

  save(): StateRecord {
    const joined = (rows: readonly Float64Array[]) => Float64Array.from(rows.flatMap((row) => [...row]));
    return {
      members: joined(this.#members),
      values: Float64Array.from(this.#values),
      archive: joined(this.#archive),
      memoryF: this.#memoryF,
      memoryCr: this.#memoryCr,
      slot: this.#slot,
      spent: this.#spent,
      budget: this.#budget,
      restarts: this.#restarts,
      fresh: this.#fresh,
      best: this.#bestEver === undefined ? undefined : saveIndividual(this.#bestEver),
    };
  }

  get restarts(): number {
    return this.#restarts;
  }

  ask(): readonly Float64Array[] {
    if (this.#fresh) {
      const { startLower, startUpper } = this.#space;
      this.#members = Array.from({ length: this.#first }, () =>
        startLower.map((low, i) => this.#random.between(low, startUpper[i] as number)),
      );
      return this.#members;
    }
    const size = this.#members.length;
    const order = new Int32Array(size);
    rank(order, Float64Array.from(this.#values));
    const elite = Math.max(2, Math.round(BEST_SHARE * size));
    for (let i = 0; i < size; i++) {
      const slot = this.#random.below(MEMORY);
      this.#cr[i] = this.#drawCr(slot);
      this.#f[i] = this.#drawF(slot);
      this.#propose(i, order[this.#random.below(elite)] as number);
    }
    return this.#trials.slice(0, size);
  }

  #drawCr(slot: number): number {
    const middle = this.#memoryCr[slot] as number;
    // Below 0 stands for: never any other than 0.
    return middle < 0 ? 0 : Math.min(1, Math.max(0, middle + 0.1 * this.#random.gauss()));
  }

  #drawF(slot: number): number {
    for (;;) {
      const drawn = this.#random.cauchy(this.#memoryF[slot] as number, 0.1);
      if (drawn > 0) return Math.min(1, drawn);
    }
  }

  /** current-to-pbest/1 with archive. */
  #propose(i: number, best: number): void {
    const size = this.#members.length;
    const { lower, upper, dimensions } = this.#space;
    const own = this.#members[i] as Float64Array;
    const towards = this.#members[best] as Float64Array;
    let a = this.#random.below(size);
    while (a === i) a = this.#random.below(size);
    const pool = size + this.#archive.length;
    let b = this.#random.below(pool);
    while (b === i || b === a) b = this.#random.below(pool);
    const from = this.#members[a] as Float64Array;
    const away = (b < size ? this.#members[b] : this.#archive[b - size]) as Float64Array;
    const trial = this.#trials[i] as Float64Array;
    const [f, cr] = [this.#f[i] as number, this.#cr[i] as number];
    const certain = this.#random.below(dimensions);
    for (let j = 0; j < dimensions; j++) {
      const old = own[j] as number;
      if (j !== certain && this.#random.float() >= cr) {
        trial[j] = old;
        continue;
      }
      const gene = old + f * ((towards[j] as number) - old) + f * ((from[j] as number) - (away[j] as number));
      const [low, high] = [lower[j] as number, upper[j] as number];
      trial[j] = gene < low ? (low + old) / 2 : gene > high ? (high + old) / 2 : gene;
    }
  }

  tell(values: Float64Array): void {
    const size = this.#members.length;
    this.#spent += size;
    if (this.#fresh) {
      this.#values = [...values.subarray(0, size)];
      this.#fresh = false;
      return;
    }
    const gains: { readonly f: number; readonly cr: number; readonly gain: number }[] = [];
    for (let i = 0; i < size; i++) {
      const [value, old] = [values[i] as number, this.#values[i] as number];
      if (value > old) continue;
      if (value < old) {
        gains.push({ f: this.#f[i] as number, cr: this.#cr[i] as number, gain: Math.min(old - value, 1e300) });
        this.#archive.push((this.#members[i] as Float64Array).slice());
      }
      (this.#members[i] as Float64Array).set(this.#trials[i] as Float64Array);
      this.#values[i] = value;
    }
    this.#learn(gains);
    this.#shrink();
    const least = Math.min(...this.#values);
    const most = Math.max(...this.#values);
    const flat = most !== NOT_EVALUATED && most - least <= 1e-13 * Math.max(1, Math.abs(least));
    if (this.#spent >= this.#budget || flat) this.#restart();
  }

  #learn(gains: readonly { readonly f: number; readonly cr: number; readonly gain: number }[]): void {
    if (gains.length === 0) return;
    const all = gains.reduce((sum, { gain }) => sum + gain, 0);
    let [f, ff, cr, crcr] = [0, 0, 0, 0];
    for (const each of gains) {
      const weight = all > 0 ? each.gain / all : 1 / gains.length;
      f += weight * each.f;
      ff += weight * each.f * each.f;
      cr += weight * each.cr;
      crcr += weight * each.cr * each.cr;
    }
    this.#memoryF[this.#slot] = ff / f;
    this.#memoryCr[this.#slot] = (this.#memoryCr[this.#slot] as number) < 0 || cr === 0 ? -1 : crcr / cr;
    this.#slot = (this.#slot + 1) % MEMORY;
  }

  #shrink(): void {
    const wanted = Math.max(LEAST, Math.round(this.#first + ((LEAST - this.#first) * this.#spent) / this.#budget));
    if (wanted < this.#members.length) {
      const order = new Int32Array(this.#members.length);
      rank(order, Float64Array.from(this.#values));
      const kept = [...order.subarray(0, wanted)].sort((a, b) => a - b);
      this.#members = kept.map((i) => this.#members[i] as Float64Array);
      this.#values = kept.map((i) => this.#values[i] as number);
    }
    const room = Math.round(ARCHIVE_SHARE * this.#members.length);
    while (this.#archive.length > room) {
      const gone = this.#random.below(this.#archive.length);
      this.#archive[gone] = this.#archive[this.#archive.length - 1] as Float64Array;
      this.#archive.pop();
    }
  }

  #restart(): void {
    const best = this.emigrants(1, "best")[0];
    const known = this.#bestEver?.values[0] ?? Number.POSITIVE_INFINITY;
    if (best !== undefined && (best.values[0] as number) < known) this.#bestEver = best;
    this.#memoryF.fill(0.5);
    this.#memoryCr.fill(0.8);
    this.#archive = [];
    this.#slot = 0;
    this.#spent = 0;
    this.#budget *= 2;
    this.#restarts++;
    this.#fresh = true;
  }

  emigrants(count: number, selection: Selection): readonly Individual[] {
    if (this.#fresh) return this.#bestEver === undefined ? [] : [this.#bestEver];
    const values = Float64Array.from(this.#values);
    return selected(values, { count, selection, random: this.#random }).map((i) => ({
      genes: (this.#members[i] as Float64Array).slice(),
      values: Float64Array.of(this.#values[i] as number),
    }));
  }

  immigrate(individuals: readonly Individual[], _replacement: Replacement): void {
    if (this.#fresh) return;
    for (const { genes, values } of individuals) {
      const worst = this.#values.indexOf(Math.max(...this.#values));
      if (!((values[0] as number) < (this.#values[worst] as number))) continue;
      (this.#members[worst] as Float64Array).set(genes);
      this.#values[worst] = values[0] as number;
    }
  }

  spread(): number {
    const { startLower, startUpper } = this.#space;
    return spreadOf(
      this.#members,
      startUpper.map((high, i) => high - (startLower[i] as number)),
    );
  }

  figures(): Readonly<Record<string, number>> {
    return { population: this.#members.length, archive: this.#archive.length };
  }
}
