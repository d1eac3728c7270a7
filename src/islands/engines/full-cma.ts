// CMA-ES with the full covariance matrix, active update.
//
// Hansen (2016): The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772. Active update: Jastrebski, Arnold (2006), CEC.
// The covariance is held with its Cholesky factor L in place of its eigenvectors (as Suttorp, Hansen, Igel (2009), Machine
// Learning 75, and Krause, Arbonès, Igel (2016), NIPS): candidates are m + σ L z, and the step-size path is kept among the z.
//
// A hot path (bench/islands-speed.ts): no allocation in ask and tell; the plain form is the oracle in full-cma.test.ts.

import type { RandomStream } from "../random-stream.ts";
import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";
import { factorize, multiplyLower, solveLower } from "./cholesky.ts";
import { type Descent, type DescentStart, meanLength, type Weights, weightsOf } from "./descent.ts";
import { rank } from "./engine.ts";
import { Stagnation } from "./stagnation.ts";

const CONDITION_LIMIT = 1e14;

export class FullCma implements Descent {
  readonly kind = "full";
  readonly lambda: number;
  readonly mean: Float64Array;
  readonly #n: number;
  readonly #random: RandomStream;
  readonly #scales: Float64Array;
  readonly #integer: Uint8Array | undefined;
  readonly #weights: Weights;
  readonly #rates: Rates;
  readonly #stagnation: Stagnation;
  /** Row by row; of both only the lower triangle is used. */
  readonly #covariance: Float64Array;
  readonly #factor: Float64Array;
  readonly #path: Float64Array;
  readonly #stepPath: Float64Array;
  #sigma: number;
  readonly #firstSigma: number;
  #generation = 0;
  #factorizedAt = 0;
  /** Of the generation in hand: z and y = L z of each candidate, one after the other. */
  readonly #z: Float64Array;
  readonly #y: Float64Array;
  readonly #zs: Float64Array[];
  readonly #ys: Float64Array[];
  readonly #order: Int32Array;
  readonly #zMean: Float64Array;
  readonly #yMean: Float64Array;
  readonly #rankWeights: Float64Array;
  #broken: string | undefined;

  constructor(start: DescentStart, random: RandomStream, saved?: Fields) {
    const n = start.mean.length;
    this.#n = n;
    this.lambda = start.lambda;
    this.#random = random;
    this.#scales = start.scales;
    this.#integer = start.integer;
    this.#weights = weightsOf(start.lambda);
    this.#rates = ratesOf(n, this.#weights);
    this.#firstSigma = start.sigma;
    this.#z = new Float64Array(n * start.lambda);
    this.#y = new Float64Array(n * start.lambda);
    const row = (all: Float64Array) => (_: unknown, k: number) => all.subarray(k * n, (k + 1) * n);
    this.#zs = Array.from({ length: start.lambda }, row(this.#z));
    this.#ys = Array.from({ length: start.lambda }, row(this.#y));
    this.#order = new Int32Array(start.lambda);
    this.#zMean = new Float64Array(n);
    this.#yMean = new Float64Array(n);
    this.#rankWeights = new Float64Array(start.lambda);
    this.#stagnation = new Stagnation(n, start.lambda, saved?.of("stagnation"));
    if (saved !== undefined) {
      this.mean = saved.floats("mean", n);
      this.#covariance = saved.floats("covariance", n * n);
      this.#factor = saved.floats("factor", n * n);
      this.#path = saved.floats("path", n);
      this.#stepPath = saved.floats("stepPath", n);
      this.#sigma = saved.number("sigma");
      this.#generation = saved.number("generation");
      this.#factorizedAt = saved.number("factorizedAt");
      return;
    }
    this.mean = start.mean.slice();
    this.#covariance = new Float64Array(n * n);
    this.#factor = new Float64Array(n * n);
    this.#path = new Float64Array(n);
    this.#stepPath = new Float64Array(n);
    this.#sigma = start.sigma;
    for (let i = 0; i < n; i++) {
      const scale = start.scales[i] as number;
      this.#covariance[i * n + i] = scale * scale;
      this.#factor[i * n + i] = scale;
    }
  }

  get sigma(): number {
    return this.#sigma;
  }

  get generation(): number {
    return this.#generation;
  }

  deviation(gene: number): number {
    return this.#sigma * Math.sqrt(this.#covariance[gene * (this.#n + 1)] as number);
  }

  save(): StateRecord {
    return {
      mean: this.mean,
      covariance: this.#covariance,
      factor: this.#factor,
      path: this.#path,
      stepPath: this.#stepPath,
      sigma: this.#sigma,
      generation: this.#generation,
      factorizedAt: this.#factorizedAt,
      stagnation: this.#stagnation.save(),
    };
  }

  ask(rows: readonly Float64Array[]): void {
    const n = this.#n;
    const { mean } = this;
    const sigma = this.#sigma;
    if (this.#generation - this.#factorizedAt >= this.#rates.lazyGap) this.#refactorize();
    this.#random.fillGauss(this.#z);
    for (let k = 0; k < this.lambda; k++) {
      const y = this.#ys[k] as Float64Array;
      const x = rows[k] as Float64Array;
      multiplyLower(this.#factor, this.#zs[k] as Float64Array, y);
      for (let i = 0; i < n; i++) x[i] = (mean[i] as number) + sigma * (y[i] as number);
    }
  }

  tell(values: Float64Array): void {
    const n = this.#n;
    const { cs, damping, cc, c1, cmu, mass } = this.#rates;
    const order = this.#order;
    rank(order, values);
    this.#stagnation.add(values, order);
    this.#recombine();
    const [zMean, yMean, stepPath, path] = [this.#zMean, this.#yMean, this.#stepPath, this.#path];
    const alongStep = Math.sqrt(cs * (2 - cs) * mass);
    let length = 0;
    for (let i = 0; i < n; i++) {
      const each = (1 - cs) * (stepPath[i] as number) + alongStep * (zMean[i] as number);
      stepPath[i] = each;
      length += each * each;
    }
    this.#generation++;
    const grown = length / n / (1 - (1 - cs) ** (2 * this.#generation));
    const short = grown < 2 + 4 / (n + 1) ? 1 : 0;
    const along = short * Math.sqrt(cc * (2 - cc) * mass);
    for (let i = 0; i < n; i++) path[i] = (1 - cc) * (path[i] as number) + along * (yMean[i] as number);
    const lost = (1 - short) * c1 * cc * (2 - cc);
    this.#adapt(1 - c1 - cmu * this.#rates.weightSum + lost, c1, cmu);
    this.#sigma *= Math.exp(Math.min(1, (cs / damping) * (Math.sqrt(length) / this.#rates.chi - 1)));
    if (this.#integer !== undefined) this.#keepIntegersMoving(this.#integer);
  }

  /** Weighted means of the better half; moves the mean. */
  #recombine(): void {
    const n = this.#n;
    const { all, parents } = this.#weights;
    const [zMean, yMean] = [this.#zMean, this.#yMean];
    zMean.fill(0);
    yMean.fill(0);
    for (let r = 0; r < parents; r++) {
      const weight = all[r] as number;
      const k = this.#order[r] as number;
      const z = this.#zs[k] as Float64Array;
      const y = this.#ys[k] as Float64Array;
      for (let i = 0; i < n; i++) {
        zMean[i] = (zMean[i] as number) + weight * (z[i] as number);
        yMean[i] = (yMean[i] as number) + weight * (y[i] as number);
      }
    }
    const { mean } = this;
    for (let i = 0; i < n; i++) mean[i] = (mean[i] as number) + this.#sigma * (yMean[i] as number);
  }

  /** C = keep C + c1 p pᵀ + cmu Σ w y yᵀ, lower triangle. */
  #adapt(keep: number, c1: number, cmu: number): void {
    const n = this.#n;
    const { all, parents } = this.#weights;
    const { negative } = this.#rates;
    const covariance = this.#covariance;
    const path = this.#path;
    const lambda = this.lambda;
    const rankWeights = this.#rankWeights;
    for (let r = 0; r < lambda; r++) {
      const weight = all[r] as number;
      if (r < parents) rankWeights[r] = cmu * weight;
      else {
        // A long step must not take away more than it would have given.
        const z = this.#zs[this.#order[r] as number] as Float64Array;
        let square = 0;
        for (let i = 0; i < n; i++) square += (z[i] as number) * (z[i] as number);
        rankWeights[r] = (cmu * negative * weight * n) / (square + 1e-300);
      }
    }
    for (let i = 0; i < n; i++) {
      const start = i * n;
      const p = c1 * (path[i] as number);
      for (let j = 0; j <= i; j++) {
        covariance[start + j] = keep * (covariance[start + j] as number) + p * (path[j] as number);
      }
    }
    let r = 0;
    for (; r + 3 < lambda; r += 4) {
      const [a, b, c, d] = [this.#ranked(r), this.#ranked(r + 1), this.#ranked(r + 2), this.#ranked(r + 3)];
      const wa = rankWeights[r] as number;
      const wb = rankWeights[r + 1] as number;
      const wc = rankWeights[r + 2] as number;
      const wd = rankWeights[r + 3] as number;
      for (let i = 0, start = 0; i < n; i++, start += n) {
        const ai = wa * (a[i] as number);
        const bi = wb * (b[i] as number);
        const ci = wc * (c[i] as number);
        const di = wd * (d[i] as number);
        for (let j = 0; j <= i; j++) {
          covariance[start + j] =
            (covariance[start + j] as number) +
            (ai * (a[j] as number) + bi * (b[j] as number)) +
            (ci * (c[j] as number) + di * (d[j] as number));
        }
      }
    }
    for (; r < lambda; r++) {
      const a = this.#ranked(r);
      const weight = rankWeights[r] as number;
      for (let i = 0, start = 0; i < n; i++, start += n) {
        const ai = weight * (a[i] as number);
        for (let j = 0; j <= i; j++) {
          covariance[start + j] = (covariance[start + j] as number) + ai * (a[j] as number);
        }
      }
    }
  }

  #ranked(r: number): Float64Array {
    return this.#ys[this.#order[r] as number] as Float64Array;
  }

  #refactorize(): void {
    this.#factorizedAt = this.#generation;
    if (!factorize(this.#covariance, this.#factor, this.#n)) this.#broken = "covariance";
  }

  /** Hansen (2011), A CMA-ES for Mixed-Integer Nonlinear Optimization: a deviation below 0.2 would never leave a whole number. */
  #keepIntegersMoving(integer: Uint8Array): void {
    for (let i = 0; i < this.#n; i++) {
      if (integer[i] === 0) continue;
      const least = 0.2 / this.#sigma;
      const place = i * (this.#n + 1);
      if ((this.#covariance[place] as number) < least * least) this.#covariance[place] = least * least;
    }
  }

  stopped(): string | undefined {
    if (this.#broken !== undefined) return this.#broken;
    const byValues = this.#stagnation.stopped(this.#generation);
    if (byValues !== undefined) return byValues;
    const n = this.#n;
    let moves = false;
    let [most, least] = [0, Number.POSITIVE_INFINITY];
    for (let i = 0; i < n; i++) {
      const scale = this.#scales[i] as number;
      const width = Math.sqrt(this.#covariance[i * (n + 1)] as number);
      const tolerance = 1e-12 * this.#firstSigma * scale;
      if (this.#sigma * width > tolerance || this.#sigma * Math.abs(this.#path[i] as number) > tolerance) moves = true;
      const diagonal = this.#factor[i * (n + 1)] as number;
      most = Math.max(most, diagonal / scale);
      least = Math.min(least, diagonal / scale);
      const mean = this.mean[i] as number;
      if (mean === mean + 0.2 * this.#sigma * width) return "no effect on a coordinate";
    }
    if (!moves) return "steps";
    if (most * most > CONDITION_LIMIT * least * least) return "condition";
    if (!(this.#sigma < 1e20 * this.#firstSigma)) return "step size";
    return this.#axisHasNoEffect() ? "no effect on an axis" : undefined;
  }

  #axisHasNoEffect(): boolean {
    const n = this.#n;
    const axis = this.#generation % n;
    for (let i = axis; i < n; i++) {
      const mean = this.mean[i] as number;
      if (mean !== mean + 0.1 * this.#sigma * (this.#factor[i * n + axis] as number)) return false;
    }
    return true;
  }

  /** The Mahalanobis length of a point from the mean, in steps. */
  distance(x: Float64Array): number {
    const z = Float64Array.from(x, (each, i) => (each - (this.mean[i] as number)) / this.#sigma);
    solveLower(this.#factor, z);
    return Math.sqrt(z.reduce((sum, each) => sum + each * each, 0));
  }
}

interface Rates {
  readonly mass: number;
  readonly cs: number;
  readonly damping: number;
  readonly cc: number;
  readonly c1: number;
  readonly cmu: number;
  /** What negative weights are multiplied with. */
  readonly negative: number;
  readonly weightSum: number;
  readonly chi: number;
  /** Generations a factor is used. */
  readonly lazyGap: number;
}

function ratesOf(n: number, { mass, negativeMass }: Weights): Rates {
  const cs = (mass + 2) / (n + mass + 5);
  const damping = 1 + 2 * Math.max(0, Math.sqrt((mass - 1) / (n + 1)) - 1) + cs;
  const cc = (4 + mass / n) / (n + 4 + (2 * mass) / n);
  const c1 = 2 / ((n + 1.3) ** 2 + mass);
  const cmu = Math.min(1 - c1, (2 * (0.25 + mass + 1 / mass - 2)) / ((n + 2) ** 2 + mass));
  const negative = Math.min(
    1 + c1 / cmu,
    1 + (2 * negativeMass) / (negativeMass + 2),
    cmu > 0 ? (1 - c1 - cmu) / (n * cmu) : 0,
  );
  const weightSum = 1 - negative;
  return { mass, cs, damping, cc, c1, cmu, negative, weightSum, chi: meanLength(n), lazyGap: 0.5 / (c1 + cmu) / n };
}
