// CMA-ES with a diagonal covariance: time and memory in step with the dimensions.
//
// Ros, Hansen (2008): A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity, PPSN X.

import type { RandomStream } from "../random-stream.ts";
import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";
import { type Descent, type DescentStart, meanLength, type Weights, weightsOf } from "./descent.ts";
import { rank, rowsOf } from "./engine.ts";
import { Stagnation } from "./stagnation.ts";

export class SeparableCma implements Descent {
  readonly kind = "separable";
  readonly lambda: number;
  readonly mean: Float64Array;
  readonly #n: number;
  readonly #random: RandomStream;
  readonly #start: DescentStart;
  readonly #weights: Weights;
  readonly #stagnation: Stagnation;
  readonly #variances: Float64Array;
  readonly #path: Float64Array;
  readonly #stepPath: Float64Array;
  readonly #z: { readonly buffer: Float64Array; readonly rows: Float64Array[] };
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
    this.#z = rowsOf(start.lambda, n);
    this.#order = new Int32Array(start.lambda);
    this.#stagnation = new Stagnation(n, start.lambda, saved?.of("stagnation"));
    this.mean = saved?.floats("mean", n) ?? start.mean.slice();
    this.#variances = saved?.floats("variances", n) ?? start.scales.map((each) => each * each);
    this.#path = saved?.floats("path", n) ?? new Float64Array(n);
    this.#stepPath = saved?.floats("stepPath", n) ?? new Float64Array(n);
    this.#sigma = saved?.number("sigma") ?? start.sigma;
    this.#generation = saved?.number("generation") ?? 0;
  }

  get sigma(): number {
    return this.#sigma;
  }

  get generation(): number {
    return this.#generation;
  }

  deviation(gene: number): number {
    return this.#sigma * Math.sqrt(this.#variances[gene] as number);
  }

  save(): StateRecord {
    return {
      mean: this.mean,
      variances: this.#variances,
      path: this.#path,
      stepPath: this.#stepPath,
      sigma: this.#sigma,
      generation: this.#generation,
      stagnation: this.#stagnation.save(),
    };
  }

  ask(rows: readonly Float64Array[]): void {
    this.#random.fillGauss(this.#z.buffer);
    for (let k = 0; k < this.lambda; k++) {
      const x = rows[k] as Float64Array;
      const z = this.#z.rows[k] as Float64Array;
      for (let i = 0; i < this.#n; i++) x[i] = (this.mean[i] as number) + this.deviation(i) * (z[i] as number);
    }
  }

  tell(values: Float64Array): void {
    const n = this.#n;
    const { all, parents, mass } = this.#weights;
    const cs = (mass + 2) / (n + mass + 5);
    const damping = 1 + 2 * Math.max(0, Math.sqrt((mass - 1) / (n + 1)) - 1) + cs;
    const cc = (4 + mass / n) / (n + 4 + (2 * mass) / n);
    const faster = (n + 2) / 3;
    const c1 = Math.min(1, (faster * 2) / ((n + 1.3) ** 2 + mass));
    const cmu = Math.min(1 - c1, (faster * 2 * (0.25 + mass + 1 / mass - 2)) / ((n + 2) ** 2 + mass));
    rank(this.#order, values);
    this.#stagnation.add(values, this.#order);
    this.#generation++;
    const means = new Float64Array(n);
    const squares = new Float64Array(n);
    for (let r = 0; r < parents; r++) {
      const z = this.#z.rows[this.#order[r] as number] as Float64Array;
      const weight = all[r] as number;
      for (let i = 0; i < n; i++) {
        const each = z[i] as number;
        means[i] = (means[i] as number) + weight * each;
        squares[i] = (squares[i] as number) + weight * each * each;
      }
    }
    let length = 0;
    for (let i = 0; i < n; i++) {
      const step = (1 - cs) * (this.#stepPath[i] as number) + Math.sqrt(cs * (2 - cs) * mass) * (means[i] as number);
      this.#stepPath[i] = step;
      length += step * step;
    }
    const short = length / n / (1 - (1 - cs) ** (2 * this.#generation)) < 2 + 4 / (n + 1) ? 1 : 0;
    const along = short * Math.sqrt(cc * (2 - cc) * mass);
    const keep = 1 - c1 - cmu + (1 - short) * c1 * cc * (2 - cc);
    for (let i = 0; i < n; i++) {
      const variance = this.#variances[i] as number;
      const width = Math.sqrt(variance);
      this.mean[i] = (this.mean[i] as number) + this.#sigma * width * (means[i] as number);
      const path = (1 - cc) * (this.#path[i] as number) + along * width * (means[i] as number);
      this.#path[i] = path;
      this.#variances[i] = keep * variance + c1 * path * path + cmu * variance * (squares[i] as number);
    }
    this.#sigma *= Math.exp(Math.min(1, (cs / damping) * (Math.sqrt(length) / meanLength(n) - 1)));
    this.#keepIntegersMoving();
  }

  #keepIntegersMoving(): void {
    const { integer } = this.#start;
    if (integer === undefined) return;
    const least = 0.2 / this.#sigma;
    for (let i = 0; i < this.#n; i++) {
      if (integer[i] === 1 && (this.#variances[i] as number) < least * least) this.#variances[i] = least * least;
    }
  }

  stopped(): string | undefined {
    const byValues = this.#stagnation.stopped(this.#generation);
    if (byValues !== undefined) return byValues;
    const { scales, sigma } = this.#start;
    if (!(this.#sigma < 1e20 * sigma)) return "step size";
    const still = this.mean.every((_, i) => this.deviation(i) < 1e-12 * sigma * (scales[i] as number));
    return still ? "steps" : undefined;
  }
}
