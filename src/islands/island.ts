// One island: a problem, an engine, chance of its own, and what it has found.
//
//   immigrants ──▶ engine ──ask──▶ evaluator ──tell──▶ engine … until its share of the epoch is spent ──▶ emigrants
//
// Invariants
//   I1. Its state after an epoch depends on its state before, on the immigrants and on the settings, and on nothing else: not
//       on when it ran, in which process, or in how many slices.
//   I2. An engine that has to make room for another is parked as it stands, and goes on from there when it is wanted again.

import { Emas } from "./engines/emas.ts";
import { type Engine, type Individual, NOT_EVALUATED, type Replacement, type Selection } from "./engines/engine.ts";
import { readIndividual, saveIndividual } from "./engines/individuals.ts";
import { engineOf, makeEngine } from "./engines/make-engine.ts";
import { Nsga2 } from "./engines/nsga2.ts";
import { noWatch, type Quarantined, type Watch } from "./evaluator.ts";
import { asError, Fault } from "./fault.ts";
import type { Problem } from "./problem.ts";
import { checkedRow } from "./proposer.ts";
import { RandomStream } from "./random-stream.ts";
import { decodeState, encodeState, type State, type StateRecord } from "./state/codec.ts";
import { Fields } from "./state/fields.ts";

/** What is asked of an island for one epoch. */
export interface EpochTask {
  /** By its name; another than the island has takes over (I2). */
  readonly engine: string;
  readonly immigrants: readonly Individual[];
  /** Evaluated first of all, and then taken as immigrants are. */
  readonly proposals?: readonly Float64Array[];
  /** The epoch ends with the generation in which these are spent. */
  readonly evaluations: number;
  /** How many leave at its end. */
  readonly emigrants: number;
  readonly selection: Selection;
  /** Who of its members a proposer is shown after it. */
  readonly parents?: { readonly count: number; readonly selection: Selection };
  readonly replacement: Replacement;
  /** The search is over where a value is this or less. */
  readonly target: number | undefined;
  /** For islands with energy: what is changed of it. */
  readonly energy?: Readonly<Record<string, number>>;
}

/** What an island tells of itself. */
export interface IslandFigures {
  readonly engine: string;
  readonly evaluations: number;
  readonly generations: number;
  /** The least value of the first objective so far. */
  readonly best: number;
  readonly spread: number;
  readonly restarts: number;
  readonly own: Readonly<Record<string, number>>;
}

/** Quarantined candidates told one by one; of more, the number only. */
const QUARANTINE_KEPT = 20;
/** Recoveries told of one slice: what is lost more often says so less often. */
const RECOVERED_KEPT = 100;
/** Bytes of parked engines; one that has no room begins anew. A state travels in one envelope. */
const PARKED_LIMIT = 4 << 20;

export class Island {
  readonly #problem: Problem;
  readonly #random: RandomStream;
  /** As settings name it. */
  #name: string;
  #engine: Engine;
  readonly #parked = new Map<string, StateRecord>();
  #values = new Float64Array(0);
  /** Those of the last generation: a view is made anew where its size is another. */
  #told = new Float64Array(0);
  /** What the evaluator is given, with that which it was made of: one for each generation would be most of what is allocated. */
  #watching: { readonly watch: Watch; readonly own: Watch } | undefined;
  #rounded: Float64Array[] = [];
  #evaluations = 0;
  #generations = 0;
  #quarantinedCount = 0;
  #quarantined: Quarantined[] = [];
  #recovered: string[] = [];
  #best: Individual | undefined;
  /** Spent in the epoch in hand; undefined between epochs. */
  #spent: number | undefined;

  private constructor(problem: Problem, engine: string, random: RandomStream, saved?: Fields) {
    this.#problem = problem;
    this.#random = random;
    this.#name = engine;
    if (saved === undefined) {
      this.#engine = makeEngine(engineOf(engine), problem.space, random);
      return;
    }
    if (saved.maybe("name") !== undefined) this.#name = saved.text("name");
    this.#engine = makeEngine(engineOf(this.#name), problem.space, random, recordOf(saved.maybe("engine")));
    for (const [name, parked] of Object.entries(recordOf(saved.maybe("parked") ?? {}))) {
      this.#parked.set(name, recordOf(parked));
    }
    this.#evaluations = saved.number("evaluations");
    this.#generations = saved.number("generations");
    this.#quarantinedCount = saved.number("quarantined");
    this.#spent = saved.maybe("spent") === undefined ? undefined : saved.number("spent");
    if (saved.maybe("best") !== undefined) this.#best = readIndividual(saved.of("best"));
  }

  /** `lane` tells islands of one seed apart. */
  static begin(problem: Problem, engine: string, seed: number, lane: number): Island {
    return new Island(problem, engine, RandomStream.seeded(seed, lane));
  }

  /**
   * Goes on from what `save` gave, with the engine it had; `engine` is for states of versions that did not write it down. Throws
   * the Fault `invalid` where the bytes are not of this problem.
   */
  static resume(problem: Problem, engine: string, bytes: Uint8Array): Island {
    const fields = new Fields(decodeState(bytes));
    if (fields.number("dimensions") !== problem.space.dimensions) {
      throw new Fault(
        "invalid",
        `the island's state has ${fields.number("dimensions")} dimensions and the problem ${problem.space.dimensions}; resume it with the problem it was begun with`,
      );
    }
    const words = fields.words("random");
    return new Island(problem, engine, new RandomStream(words), fields);
  }

  save(): Uint8Array {
    return encodeState({
      dimensions: this.#problem.space.dimensions,
      random: this.#random.words,
      evaluations: this.#evaluations,
      generations: this.#generations,
      quarantined: this.#quarantinedCount,
      spent: this.#spent,
      best: this.#best === undefined ? undefined : saveIndividual(this.#best),
      name: this.#name,
      engine: this.#engine.save(),
      parked: this.#parked.size === 0 ? undefined : Object.fromEntries(this.#parked),
    });
  }

  /** I2 */
  #assign(engine: string): void {
    if (engine === this.#name) return;
    const { space } = this.#problem;
    const state = this.#engine.save();
    this.#engine = makeEngine(engineOf(engine), space, this.#random, this.#parked.get(engine));
    this.#parked.delete(engine);
    if (encodeState({ ...Object.fromEntries(this.#parked), state }).length <= PARKED_LIMIT) {
      this.#parked.set(this.#name, state);
    }
    this.#name = engine;
  }

  get evaluations(): number {
    return this.#evaluations;
  }

  get best(): Individual | undefined {
    return this.#best;
  }

  get engine(): Engine {
    return this.#engine;
  }

  get quarantinedCount(): number {
    return this.#quarantinedCount;
  }

  /** Of this island object's own life, not of the whole run: told, not kept. */
  takeQuarantined(): readonly Quarantined[] {
    const taken = this.#quarantined;
    this.#quarantined = [];
    return taken;
  }

  /** As `takeQuarantined`: of what evaluates. */
  takeRecovered(): readonly string[] {
    const taken = this.#recovered;
    this.#recovered = [];
    return taken;
  }

  /**
   * Runs until the epoch is over, the target is reached, or `pause` answers true after a generation; true where the epoch is
   * over. An epoch that was paused goes on with the same task.
   */
  async evolve(task: EpochTask, pause: () => boolean, watch: Watch = noWatch()): Promise<boolean> {
    if (this.#spent === undefined) {
      this.#assign(task.engine);
      this.#spent = 0;
      if (task.energy !== undefined && this.#engine instanceof Emas) this.#engine.setEnergy(task.energy);
      const { proposals = [] } = task;
      const proposed = proposals.length === 0 ? [] : await this.#evaluated(proposals, watch);
      this.#engine.immigrate([...task.immigrants, ...proposed], task.replacement);
    }
    for (;;) {
      if (this.#spent >= task.evaluations || this.reached(task.target)) {
        this.#spent = undefined;
        return true;
      }
      const waiting = this.#generation(watch);
      if (waiting !== undefined) await waiting;
      if (pause()) return false;
    }
  }

  /** Of several objectives: members that none dominates. */
  front(): readonly Individual[] {
    return this.#engine instanceof Nsga2 ? this.#engine.front() : [];
  }

  emigrants(count: number, selection: Selection): readonly Individual[] {
    return count < 1 ? [] : this.#engine.emigrants(count, selection);
  }

  /** Members as they are, which stay: what a proposer is shown. The best first. */
  parents(count: number, selection: Selection): readonly Individual[] {
    if (count < 1) return [];
    const { members } = this.#engine;
    const chosen = members?.call(this.#engine, count) ?? this.#engine.emigrants(count, selection);
    return [...chosen].sort((a, b) => (a.values[0] as number) - (b.values[0] as number));
  }

  /** Candidates from outside, with their values; they count as any. */
  async #evaluated(proposed: readonly Float64Array[], watch: Watch): Promise<readonly Individual[]> {
    const own = this.#own(watch);
    const rows = proposed.flatMap((row) => {
      try {
        return [checkedRow(row, this.#problem.space)];
      } catch (thrown) {
        own.quarantine({ genes: [...row], reason: `was proposed and is none: ${asError(thrown).message}` });
        return [];
      }
    });
    if (rows.length === 0) return [];
    const { objectives } = this.#problem.space;
    const candidates = this.#asked(rows, watch);
    const values = this.#values;
    await this.#problem.evaluator.evaluate(candidates, values, own);
    this.#count(candidates);
    return candidates
      .map((row, k) => ({ genes: row.slice(), values: values.slice(k * objectives, (k + 1) * objectives) }))
      .filter((each) => each.values[0] !== NOT_EVALUATED);
  }

  /** Whether the target, if there is one, is reached; never with several objectives. */
  reached(target: number | undefined): boolean {
    const { objectives } = this.#problem.space;
    return target !== undefined && objectives === 1 && (this.#best?.values[0] ?? Number.POSITIVE_INFINITY) <= target;
  }

  /** Nothing is allocated, unless what evaluates is waited for. */
  #generation(watch: Watch): undefined | Promise<void> {
    const breeds = this.#problem.space.operators === undefined ? undefined : watch.breeds;
    breeds?.();
    const candidates = this.#asked(this.#engine.ask(), watch);
    const waiting = this.#problem.evaluator.evaluate(candidates, this.#values, this.#own(watch));
    if (waiting !== undefined) return this.#tellAfter(waiting, candidates, breeds);
    breeds?.();
    this.#tell(candidates);
    return undefined;
  }

  async #tellAfter(waiting: Promise<void>, candidates: readonly Float64Array[], breeds?: () => void): Promise<void> {
    await waiting;
    breeds?.();
    this.#tell(candidates);
  }

  /** Candidates about to be evaluated; there is room for their values. */
  #asked(rows: readonly Float64Array[], watch: Watch): readonly Float64Array[] {
    const { objectives } = this.#problem.space;
    if (this.#values.length < rows.length * objectives) this.#values = new Float64Array(rows.length * objectives);
    watch.asked();
    return this.#whole(rows);
  }

  #own(watch: Watch): Watch {
    if (this.#watching?.watch === watch) return this.#watching.own;
    const own: Watch = {
      breeds: watch.breeds,
      asked: watch.asked,
      began: watch.began,
      barred: watch.barred,
      quarantine: (candidate) => {
        this.#quarantinedCount++;
        if (this.#quarantined.length < QUARANTINE_KEPT) this.#quarantined.push(candidate);
        watch.quarantine(candidate);
      },
      recovered: (what) => {
        if (this.#recovered.length < RECOVERED_KEPT) this.#recovered.push(what);
      },
    };
    this.#watching = { watch, own };
    return own;
  }

  #tell(rows: readonly Float64Array[]): void {
    const count = rows.length * this.#problem.space.objectives;
    this.#generations++;
    this.#count(rows);
    const isSame = this.#told.length === count && this.#told.buffer === this.#values.buffer;
    if (!isSame) this.#told = this.#values.subarray(0, count);
    this.#engine.tell(this.#told);
  }

  /** What was evaluated is spent, and the best of it known. */
  #count(rows: readonly Float64Array[]): void {
    const count = rows.length;
    const { objectives } = this.#problem.space;
    const values = this.#values;
    this.#evaluations += count;
    this.#spent = (this.#spent ?? 0) + count;
    let best = this.#best?.values[0] ?? Number.POSITIVE_INFINITY;
    let at = -1;
    for (let k = 0; k < count; k++) {
      const value = values[k * objectives] as number;
      if (value < best) [best, at] = [value, k];
    }
    if (at < 0) return;
    const own = values.slice(at * objectives, (at + 1) * objectives);
    this.#best = { genes: (rows[at] as Float64Array).slice(), values: own };
  }

  /** With whole numbers where genes are whole; engines keep what they asked for. */
  #whole(rows: readonly Float64Array[]): readonly Float64Array[] {
    const { integer, dimensions, lower, upper } = this.#problem.space;
    if (integer === undefined) return rows;
    while (this.#rounded.length < rows.length) this.#rounded.push(new Float64Array(dimensions));
    return rows.map((row, k) => {
      const rounded = this.#rounded[k] as Float64Array;
      for (let i = 0; i < dimensions; i++) {
        const gene = row[i] as number;
        rounded[i] =
          integer[i] === 1
            ? Math.min(Math.floor(upper[i] as number), Math.max(Math.ceil(lower[i] as number), Math.round(gene)))
            : gene;
      }
      return rounded;
    });
  }

  figures(): IslandFigures {
    return {
      engine: this.#name,
      evaluations: this.#evaluations,
      generations: this.#generations,
      best: this.#best?.values[0] ?? Number.POSITIVE_INFINITY,
      spread: this.#engine.spread(),
      restarts: this.#engine.restarts,
      own: this.#engine.figures(),
    };
  }
}

function recordOf(state: State): StateRecord {
  if (typeof state !== "object" || Array.isArray(state) || ArrayBuffer.isView(state)) {
    throw new Fault("invalid", "an island's state lacks its engine");
  }
  // Neither a list nor numbers: a record.
  return state as StateRecord;
}
