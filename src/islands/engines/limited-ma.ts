// LM-MA-ES: a few directions in place of a covariance matrix, for thousands of dimensions.
//
// Loshchilov, Glasmachers, Beyer (2019): Large Scale Black-Box Optimization by Limited-Memory Matrix Adaptation,
// IEEE Transactions on Evolutionary Computation 23(2).

import type { RandomStream } from "../random-stream.ts";
import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";
import { type Descent, type DescentStart, type Weights, weightsOf } from "./descent.ts";
import { rank, rowsOf } from "./engine.ts";
import { Stagnation } from "./stagnation.ts";

export class LimitedMa implements Descent {
  readonly kind = "limited";
  readonly lambda: number;
  readonly mean: Float64Array;
  readonly #n: number;
  readonly #random: RandomStream;
  readonly #start: DescentStart;
  readonly #weights: Weights;
  readonly #stagnation: Stagnation;
  readonly #stepPath: Float64Array;
  /** The directions, one after the other. */
  readonly #directions: { readonly buffer: Float64Array; readonly rows: Float64Array[] };
  readonly #z: { readonly buffer: Float64Array; readonly rows: Float64Array[] };
  readonly #d: Float64Array[];
  readonly #order: Int32Array;
  #sigma: number;
  #generation = 0;

  constructor(start: DescentStart, random: RandomStream, saved?: Fields) {
    const n = start.mean.length;
    this.#n = n;
    this.#start = start;
    this.lambda = start.lambda;
    this.#random = random;
    this.#weights = weightsOf(start.lambda);
    this.#stagnation = new Stagnation(n, start.lambda, saved?.of("stagnation"));
    this.#z = rowsOf(start.lambda, n);
    this.#d = rowsOf(start.lambda, n).rows;
    this.#order = new Int32Array(start.lambda);
    this.#directions = rowsOf(4 + Math.floor(3 * Math.log(n)), n);
    this.mean = saved?.floats("mean", n) ?? start.mean.slice();
    this.#stepPath = saved?.floats("stepPath", n) ?? new Float64Array(n);
    this.#sigma = saved?.number("sigma") ?? start.sigma;
    this.#generation = saved?.number("generation") ?? 0;
    if (saved !== undefined) this.#directions.buffer.set(saved.floats("directions", this.#directions.buffer.length));
  }

  get sigma(): number {
    return this.#sigma;
  }

  get generation(): number {
    return this.#generation;
  }

  deviation(gene: number): number {
    return this.#sigma * (this.#start.scales[gene] as number);
  }

  save(): StateRecord {
    return {
      mean: this.mean,
      stepPath: this.#stepPath,
      directions: this.#directions.buffer,
      sigma: this.#sigma,
      generation: this.#generation,
      stagnation: this.#stagnation.save(),
    };
  }

  ask(rows: readonly Float64Array[]): void {
    const n = this.#n;
    this.#random.fillGauss(this.#z.buffer);
    const { scales } = this.#start;
    const directions = this.#directions.rows;
    const known = Math.min(this.#generation, directions.length);
    for (let k = 0; k < this.lambda; k++) {
      const d = this.#d[k] as Float64Array;
      d.set(this.#z.rows[k] as Float64Array);
      for (let j = 0; j < known; j++) {
        const direction = directions[j] as Float64Array;
        const rate = 1 / (1.5 ** j * n);
        let along = 0;
        for (let i = 0; i < n; i++) along += (direction[i] as number) * (d[i] as number);
        for (let i = 0; i < n; i++) d[i] = (1 - rate) * (d[i] as number) + rate * along * (direction[i] as number);
      }
      const x = rows[k] as Float64Array;
      for (let i = 0; i < n; i++) {
        x[i] = (this.mean[i] as number) + this.#sigma * (scales[i] as number) * (d[i] as number);
      }
    }
  }

  tell(values: Float64Array): void {
    const n = this.#n;
    const { all, parents, mass } = this.#weights;
    rank(this.#order, values);
    this.#stagnation.add(values, this.#order);
    const zMean = new Float64Array(n);
    const { scales } = this.#start;
    for (let r = 0; r < parents; r++) {
      const k = this.#order[r] as number;
      const z = this.#z.rows[k] as Float64Array;
      const d = this.#d[k] as Float64Array;
      const weight = all[r] as number;
      for (let i = 0; i < n; i++) {
        zMean[i] = (zMean[i] as number) + weight * (z[i] as number);
        this.mean[i] = (this.mean[i] as number) + this.#sigma * weight * (scales[i] as number) * (d[i] as number);
      }
    }
    const cs = Math.min(1, (2 * this.lambda) / n);
    let length = 0;
    for (let i = 0; i < n; i++) {
      const step = (1 - cs) * (this.#stepPath[i] as number) + Math.sqrt(mass * cs * (2 - cs)) * (zMean[i] as number);
      this.#stepPath[i] = step;
      length += step * step;
    }
    for (const [j, direction] of this.#directions.rows.entries()) {
      const rate = Math.min(1, this.lambda / (4 ** j * n));
      const along = Math.sqrt(mass * rate * (2 - rate));
      for (let i = 0; i < n; i++) {
        direction[i] = (1 - rate) * (direction[i] as number) + along * (zMean[i] as number);
      }
    }
    this.#sigma *= Math.exp((cs / 2) * (length / n - 1));
    this.#generation++;
  }

  stopped(): string | undefined {
    const byValues = this.#stagnation.stopped(this.#generation);
    if (byValues !== undefined) return byValues;
    if (!(this.#sigma < 1e20 * this.#start.sigma)) return "step size";
    return this.#sigma < 1e-12 * this.#start.sigma ? "steps" : undefined;
  }
}
