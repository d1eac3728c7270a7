// CMA-ES, started again and again, with populations that grow (IPOP) or also with small ones (BIPOP).
//
// Auger, Hansen (2005): A Restart CMA Evolution Strategy With Increasing Population Size, CEC. Hansen (2009): Benchmarking a
// BI-population CMA-ES on the BBOB-2009 function testbed, GECCO workshop: the two regimes share the evaluations evenly.
//
// Immigrants disturb no run under way: the best of them may be where a later small run starts.

import { Fault } from "unum";
import type { RandomStream } from "../random-stream.ts";
import { isBounded, type Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import { BoundPenalty } from "./bound-penalty.ts";
import type { Descent, DescentStart } from "./descent.ts";
import { type Engine, type Individual, rowsOf } from "./engine.ts";
import { FullCma } from "./full-cma.ts";
import { copyOf, readIndividual, saveIndividual } from "./individuals.ts";
import { LimitedMa } from "./limited-ma.ts";
import { SeparableCma } from "./separable-cma.ts";

export interface CmaOptions {
  /** Default bipop. */
  readonly restarts?: "bipop" | "ipop" | "none";
  /** Default: full up to 200 dimensions, then limited. */
  readonly model?: Descent["kind"];
  /** Candidates of a generation in the first run. Default 4 + 3 ln n. */
  readonly population?: number;
  /** First step size as a share of the start region. Default 0.25. */
  readonly step?: number;
}

const FULL_LIMIT = 200;
/** A population is doubled so many times at most. */
const DOUBLINGS_LIMIT = 12;

type Regime = "first" | "large" | "small";

export class CmaRestarts implements Engine {
  readonly kind: string;
  readonly #space: Space;
  readonly #options: CmaOptions;
  readonly #random: RandomStream;
  readonly #penalty: BoundPenalty | undefined;
  readonly #scales: Float64Array;
  readonly #defaultLambda: number;
  #descent: Descent;
  #rows: Float64Array[] = [];
  #regime: Regime;
  #restarts: number;
  #doublings: number;
  /** Evaluations of each regime, and of the run in hand. */
  #spentLarge: number;
  #spentSmall: number;
  #spentNow: number;
  /** Of the last large run. */
  #lastLarge: number;
  /** What the run in hand may spend. */
  #allowed: number;
  /** Where the run in hand began: its sigma, population and mean are enough to know it by. */
  #start: DescentStart;
  #best: Individual | undefined;
  #hint: Individual | undefined;

  constructor(space: Space, random: RandomStream, options: CmaOptions = {}, saved?: StateRecord) {
    if (space.genome !== "real" || space.objectives !== 1) {
      throw new Fault("invalid", `cma needs real genes and one objective, not ${space.objectives} of ${space.genome}`);
    }
    this.#space = space;
    this.#random = random;
    this.#options = options;
    this.kind = options.model === undefined ? (options.restarts ?? "bipop") : `${options.model}-cma`;
    this.#penalty = isBounded(space) ? new BoundPenalty(space) : undefined;
    const step = options.step ?? 0.25;
    // One unit is an eighth of the start region, so that a first step of 2 is a quarter of it.
    this.#scales = space.startLower.map((low, i) => ((space.startUpper[i] as number) - low) / 8 || 1);
    this.#defaultLambda = options.population ?? 4 + Math.floor(3 * Math.log(space.dimensions));
    if (saved === undefined) {
      [this.#regime, this.#restarts, this.#doublings] = ["first", 1, 0];
      [this.#spentLarge, this.#spentSmall, this.#spentNow, this.#lastLarge] = [0, 0, 0, 0];
      this.#allowed = Number.POSITIVE_INFINITY;
      this.#start = this.#startOf(this.#defaultLambda, 8 * step);
      this.#descent = this.#descend(this.#start);
      return;
    }
    const fields = new Fields(saved);
    this.#regime = fields.text("regime") as Regime;
    this.#restarts = fields.number("restarts");
    this.#doublings = fields.number("doublings");
    this.#spentLarge = fields.number("spentLarge");
    this.#spentSmall = fields.number("spentSmall");
    this.#spentNow = fields.number("spentNow");
    this.#lastLarge = fields.number("lastLarge");
    this.#allowed = fields.number("allowed");
    this.#best = individualOf(fields, "best");
    this.#hint = individualOf(fields, "hint");
    const mean = fields.floats("startMean", space.dimensions);
    this.#start = {
      ...{ mean, lambda: fields.number("lambda"), sigma: fields.number("startSigma") },
      ...{ scales: this.#scales, integer: space.integer },
    };
    this.#descent = this.#descend(this.#start, fields.of("descent"));
  }

  get restarts(): number {
    return this.#restarts;
  }

  ask(): readonly Float64Array[] {
    this.#descent.ask(this.#rows);
    return this.#penalty === undefined ? this.#rows : this.#penalty.inside(this.#rows);
  }

  tell(values: Float64Array): void {
    const descent = this.#descent;
    const inside = this.#penalty?.rows ?? this.#rows;
    this.#remember(inside, values);
    this.#spentNow += descent.lambda;
    descent.tell(this.#penalty === undefined ? values : this.#penalty.penalized(values, descent));
    const why = this.#spentNow >= this.#allowed ? "budget" : descent.stopped();
    if (why !== undefined && this.#options.restarts !== "none") this.#restart();
  }

  #remember(rows: readonly Float64Array[], values: Float64Array): void {
    let best = this.#best?.values[0] ?? Number.POSITIVE_INFINITY;
    let at = -1;
    for (let k = 0; k < this.#descent.lambda; k++) {
      const value = values[k] as number;
      if (value < best) [best, at] = [value, k];
    }
    if (at >= 0) this.#best = { genes: (rows[at] as Float64Array).slice(), values: Float64Array.of(best) };
  }

  #restart(): void {
    // The first run counts for the small ones, as in the published code.
    if (this.#regime !== "large") this.#spentSmall += this.#spentNow;
    else this.#spentLarge += this.#spentNow;
    if (this.#regime === "large") this.#lastLarge = this.#spentNow;
    this.#spentNow = 0;
    this.#restarts++;
    const bipop = (this.#options.restarts ?? "bipop") === "bipop";
    if (bipop && this.#doublings > 0 && this.#spentSmall < this.#spentLarge) this.#beginSmall();
    else this.#beginLarge();
  }

  #beginLarge(): void {
    this.#regime = "large";
    this.#allowed = Number.POSITIVE_INFINITY;
    this.#doublings = Math.min(DOUBLINGS_LIMIT, this.#doublings + 1);
    this.#begin(this.#startOf(this.#defaultLambda * 2 ** this.#doublings, 8 * (this.#options.step ?? 0.25)));
  }

  #beginSmall(): void {
    this.#regime = "small";
    // No small run takes more than half of what the last large one took.
    this.#allowed = Math.floor(this.#lastLarge / 2);
    const ratio = 0.5 * 2 ** this.#doublings;
    const lambda = Math.floor(this.#defaultLambda * Math.max(1, ratio) ** (this.#random.float() ** 2));
    const sigma = 8 * (this.#options.step ?? 0.25) * 10 ** (-2 * this.#random.float());
    const start = this.#startOf(lambda, sigma);
    const hint = this.#hint;
    this.#hint = undefined;
    this.#begin(hint === undefined ? start : { ...start, mean: hint.genes, sigma: Math.min(sigma, 0.2) });
  }

  #begin(start: DescentStart): void {
    this.#start = start;
    this.#descent = this.#descend(start);
  }

  #startOf(lambda: number, sigma: number): DescentStart {
    const { startLower, startUpper, integer } = this.#space;
    const mean = startLower.map((low, i) => this.#random.between(low, startUpper[i] as number));
    return { lambda: Math.max(2, lambda), mean, sigma, scales: this.#scales, integer };
  }

  #descend(start: DescentStart, saved?: Fields): Descent {
    const model = this.#options.model ?? (this.#space.dimensions <= FULL_LIMIT ? "full" : "limited");
    const Model = model === "full" ? FullCma : model === "separable" ? SeparableCma : LimitedMa;
    this.#rows = rowsOf(start.lambda, this.#space.dimensions).rows;
    return new Model(start, this.#random, saved);
  }

  emigrants(count: number): readonly Individual[] {
    return this.#best === undefined || count < 1 ? [] : [copyOf(this.#best)];
  }

  immigrate(individuals: readonly Individual[]): void {
    const own = this.#best?.values[0] ?? Number.POSITIVE_INFINITY;
    for (const each of individuals) {
      const value = each.values[0] as number;
      if (value < own && value < (this.#hint?.values[0] ?? Number.POSITIVE_INFINITY)) this.#hint = copyOf(each);
    }
  }

  spread(): number {
    let sum = 0;
    for (let i = 0; i < this.#space.dimensions; i++) {
      sum += this.#descent.deviation(i) / (8 * (this.#scales[i] as number));
    }
    return sum / this.#space.dimensions;
  }

  figures(): Readonly<Record<string, number>> {
    return { sigma: this.#descent.sigma, population: this.#descent.lambda };
  }

  save(): StateRecord {
    return {
      regime: this.#regime,
      restarts: this.#restarts,
      doublings: this.#doublings,
      spentLarge: this.#spentLarge,
      spentSmall: this.#spentSmall,
      spentNow: this.#spentNow,
      lastLarge: this.#lastLarge,
      allowed: this.#allowed,
      best: this.#best && saveIndividual(this.#best),
      hint: this.#hint && saveIndividual(this.#hint),
      lambda: this.#start.lambda,
      startMean: this.#start.mean,
      startSigma: this.#start.sigma,
      descent: this.#descent.save(),
    };
  }
}

function individualOf(fields: Fields, name: string): Individual | undefined {
  return fields.maybe(name) === undefined ? undefined : readIndividual(fields.of(name));
}
