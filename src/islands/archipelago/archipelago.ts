// All islands of one search: who may go on, what they are given, what came of it. Decides; others act.
//
//   mayBegin(i) ──▶ request(i) ──host──▶ took(i, reply) ─┬─ epoch not over: request(i) again
//                                                        └─ over: emigrants are in the mail, neighbours may go on
//
// Invariants
//   A1. Reproducible: what island i is given in an epoch are the emigrants that its sources left in a fixed earlier one (lag.ts),
//       whenever they came. With I1 of an island, populations depend on plan and settings alone, and not on processes, delays, kills.
//   A2. Settings are changed from an epoch on that no island was asked for.
//   A3. A cut is the state of every island after the same epoch, and all mail that is under way then: enough to go on.
//   A4. What a search ends with is the cut after the first epoch in which it was over for any island. Who is past it and has not
//       left its state there goes there once more.
//   A5. Which engine an island runs in an epoch follows from reviews that are the lag older, each of all islands.

import type { Individual } from "../engines/engine.ts";
import { engineOf } from "../engines/make-engine.ts";
import { Fault } from "../fault.ts";
import type { Proposal } from "../proposer.ts";
import { fromColumns, toColumns } from "./columns.ts";
import type { SliceReply, SliceRequest, StretchTask } from "./host.ts";
import { lagOf, mailOf, markAt, nextMark } from "./lag.ts";
import { firstStanding, reviewed, type Standing } from "./portfolio.ts";
import { mayAsk, parentsFor, type Question } from "./questions.ts";
import { backFor, bestAfter, type CutIsland, type EpochEnd, type Left, type Seat, seatOf, snapshotAt } from "./seat.ts";
import type { Settings } from "./settings.ts";
import { sourcesOf } from "./topology.ts";

/** Where islands run freely, one takes what came and goes on for so long: ms. */
const FREE_MS = 50;
const FREE_EPOCHS = 256;
/** Genes of migrants in one message, if it is not of a single epoch. */
const GENES_LIMIT = 1 << 16;

export interface Plan {
  readonly seed: number;
  /** Names of engines, one for each island: those they begin with. */
  readonly engines: readonly string[];
  /** Engines that islands may be given by what works; left out, each keeps its own. */
  readonly portfolio?: readonly string[];
  /** Whether there is a proposer to ask. */
  readonly proposes?: boolean;
  /** Names of islands, as the seed composes them. */
  readonly islands: readonly string[];
  /** No migrant waits for another epoch's. Not reproducible, and never waits. */
  readonly free: boolean;
  readonly target: number | undefined;
  /** Evaluations of one island after which it ends. */
  readonly evaluations: number;
  /** The most epochs that migrants may be late (lag.ts). Left out: 1, as in plans of versions that had no more. */
  readonly lag?: number;
}

export interface SettingsChange {
  readonly epoch: number;
  readonly settings: Settings;
}

export class Archipelago {
  readonly plan: Plan;
  readonly seats: readonly Seat[];
  #changes: readonly SettingsChange[];
  /** Who sends to whom, by what says so. */
  readonly #known = new WeakMap<Settings, readonly (readonly number[])[]>();
  /** The newest last; those that no cut can ask for are forgotten. */
  #standings: Standing[];
  /** No epoch after the last review and up to this one ends with one. */
  #searchedTo: number;
  /** The first epoch after which it is over; infinite while it is not. */
  #last = Number.POSITIVE_INFINITY;

  constructor(plan: Plan, changes: readonly SettingsChange[], cut?: Cut) {
    this.plan = plan;
    this.#changes = changes;
    for (const name of [...plan.engines, ...(plan.portfolio ?? [])]) engineOf(name);
    this.#standings = [...(cut?.standings ?? [firstStanding(plan.engines)])];
    this.#searchedTo = this.#standings.at(-1)?.epoch ?? 0;
    this.seats = plan.engines.map((engine, i) => seatOf(engine, cut?.epoch ?? 0, cut?.islands[i]));
    if (cut !== undefined) {
      for (const seat of this.seats) this.#finish(seat);
      this.#end();
    }
  }

  get changes(): readonly SettingsChange[] {
    return this.#changes;
  }

  settingsAt(epoch: number): Settings {
    const last = this.#changes.findLast((change) => change.epoch <= epoch);
    if (last === undefined) throw new Fault("internal", `no settings are known for epoch ${epoch}`);
    return last.settings;
  }

  get settings(): Settings {
    return this.settingsAt(Number.POSITIVE_INFINITY);
  }

  /** In force from the answered epoch on (A2). */
  change(settings: Settings): number {
    const epoch = Math.max(...this.seats.map(({ epochs, asked }) => Math.max(epochs + 1, asked)));
    this.#changes = [...this.#changes.filter((change) => change.epoch < epoch), { epoch, settings }];
    return epoch;
  }

  get over(): boolean {
    return this.seats.every((seat) => seat.finished || seat.epochs >= this.#last);
  }

  /** The last epoch that is over for all. */
  get epoch(): number {
    const going = this.seats.filter(({ finished }) => !finished).map(({ epochs }) => epochs);
    const least = going.length > 0 ? Math.min(...going) : Math.max(...this.seats.map(({ epochs }) => epochs));
    return Math.min(least, this.#last);
  }

  mayBegin(i: number): boolean {
    const seat = this.#seat(i);
    if (seat.finished || seat.epochs >= this.#last) return false;
    return this.plan.free || seat.slice !== undefined || this.#isKnown(i, seat.epochs);
  }

  /** Whether all is there that the epoch after so many takes. */
  #isKnown(i: number, epochs: number): boolean {
    const needed = epochs - this.#lag(epochs);
    if (this.#reviewDue() <= needed) return false;
    return this.#sources(i, epochs).every((j) => this.#seat(j).finished || this.#seat(j).epochs >= needed);
  }

  /** What an island that may begin has to ask first; undefined where nothing is due. */
  question(i: number): Question | undefined {
    const seat = this.#seat(i);
    if (!this.plan.proposes || seat.slice !== undefined) return undefined;
    const settings = this.settingsAt(seat.epochs);
    const parents = seat.history.get(seat.epochs)?.left?.parents ?? [];
    if (seat.proposed?.epoch === seat.epochs || parents.length === 0) return undefined;
    if (!mayAsk(seat.epochs, settings, seat.proposals)) return undefined;
    return { island: i, epoch: seat.epochs, parents, timeoutMs: settings.proposer.timeout * 1_000 };
  }

  answered({ island, epoch }: Question, { rows, cost }: Pick<Proposal, "rows" | "cost">): void {
    const seat = this.#seat(island);
    seat.proposed = { epoch, rows };
    const { asked, candidates, cost: spent } = seat.proposals;
    seat.proposals = { asked: asked + 1, candidates: candidates + rows.length, cost: spent + cost };
  }

  /** All epochs up to the next mark, of which everything is there. */
  request(i: number, sliceMs: number): SliceRequest {
    const seat = this.#seat(i);
    seat.working = true;
    if (seat.slice === undefined) seat.immigrants = [this.#mailFor(i, seat.epochs)];
    else seat.immigrants.length = 1;
    const tasks = [{ epochs: 1, ...this.#said(i, seat.epochs) }];
    const { free } = this.plan;
    const end = Math.min(this.#last, free ? seat.epochs + FREE_EPOCHS : nextMark(seat.epochs, this.#mostLag));
    let genes = genesOf(seat.immigrants[0]);
    for (let epochs = seat.epochs + 1; epochs < end && tasks.at(-1)?.task.parents === undefined; epochs++) {
      if (!free && !this.#isKnown(i, epochs)) break;
      const mail = free ? [] : this.#mailFor(i, epochs);
      genes += Math.max(genesOf(mail), genesOf(seat.immigrants[0]));
      if (genes > GENES_LIMIT) break;
      seat.immigrants.push(mail);
      const [last, said] = [tasks.at(-1), this.#said(i, epochs)];
      if (last !== undefined && isSame(last, said)) last.epochs++;
      else tasks.push({ epochs: 1, ...said });
    }
    seat.asked = Math.max(seat.asked, seat.epochs + seat.immigrants.length);
    return {
      island: this.plan.islands[i] ?? String(i),
      seed: this.plan.seed,
      lane: i + 1,
      state: seat.slice ?? seat.history.get(seat.epochs)?.left?.state,
      tasks: tasks.map(({ epochs, task }) => ({ epochs, task })),
      immigrants: toColumns(seat.immigrants),
      evaluationsLimit: this.plan.evaluations,
      sliceMs: free ? Math.min(sliceMs, FREE_MS) : sliceMs,
    };
  }

  #said(i: number, epochs: number): Said {
    const settings = this.settingsAt(epochs);
    const { migration, energy } = settings;
    const { proposed } = this.#seat(i);
    const parents = this.plan.proposes ? parentsFor(epochs, settings) : undefined;
    const task: StretchTask["task"] = {
      engine: this.#engineFor(i, epochs - this.#lag(epochs)),
      evaluations: migration.every,
      emigrants: migration.topology === "none" ? 0 : migration.count,
      ...{ selection: migration.selection, replacement: migration.replacement, target: this.plan.target, energy },
      proposals: proposed?.epoch === epochs ? proposed.rows : [],
      ...(parents === undefined ? undefined : { parents }),
    };
    return { task, settings };
  }

  #mailFor(i: number, epochs: number): readonly Individual[] {
    if (this.plan.free) return this.#freeMail(i, this.settingsAt(epochs));
    // A1; before the first epoch nobody has sent.
    const left = mailOf(epochs, this.#mostLag);
    if (left === undefined) return [];
    return this.#sources(i, epochs).flatMap((j) => this.#seat(j).history.get(left)?.emigrants ?? []);
  }

  /** The newest of each source, once; what lay for too many of the source's epochs is stale and purged. */
  #freeMail(i: number, settings: Settings): readonly Individual[] {
    const seat = this.#seat(i);
    return this.#sources(i, seat.epochs).flatMap((j) => {
      const source = this.#seat(j);
      const fresh = [...source.history.keys()]
        .filter((epoch) => epoch > (seat.taken.get(j) ?? 0))
        .sort((a, b) => a - b);
      seat.taken.set(j, source.epochs);
      const live = fresh.filter((epoch) => epoch > source.epochs - settings.migration.expiry);
      const purged = fresh.filter((epoch) => !live.includes(epoch));
      seat.stale += purged.reduce((sum, epoch) => sum + (source.history.get(epoch)?.emigrants.length ?? 0), 0);
      return live.flatMap((epoch) => source.history.get(epoch)?.emigrants ?? []);
    });
  }

  #sources(i: number, epoch: number): readonly number[] {
    const settings = this.settingsAt(epoch);
    let known = this.#known.get(settings);
    if (known === undefined) {
      const { topology, degree } = settings.migration;
      known = sourcesOf(topology, this.seats.length, { degree, seed: this.plan.seed });
      this.#known.set(settings, known);
    }
    return known[i] ?? [];
  }

  /** A5 */
  #engineFor(i: number, epoch: number): string {
    const standing = this.plan.free ? this.#standings.at(-1) : this.#standings.findLast((each) => each.epoch <= epoch);
    return (standing ?? firstStanding(this.plan.engines)).engines[i] ?? "";
  }

  /** The first epoch after the last review that ends with one. */
  #reviewDue(): number {
    if (this.plan.portfolio === undefined) return Number.POSITIVE_INFINITY;
    // No further than islands are: settings may change after that.
    const most = Math.max(...this.seats.map(({ epochs }) => epochs));
    for (; this.#searchedTo < most; this.#searchedTo++) {
      const { every } = this.settingsAt(this.#searchedTo + 1).portfolio;
      if (every > 0 && (this.#searchedTo + 1) % every === 0) return this.#searchedTo + 1;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** What is due and known of every island. */
  #review(): void {
    const { portfolio: pool } = this.plan;
    for (let due = this.#reviewDue(); pool !== undefined && due < Number.POSITIVE_INFINITY; due = this.#reviewDue()) {
      if (!this.seats.every((seat) => seat.finished || seat.epochs >= due)) return;
      const bests = this.seats.map((seat) => bestAfter(seat, due));
      const last = this.#standings.at(-1) ?? firstStanding(this.plan.engines);
      this.#standings.push(reviewed(last, { epoch: due, bests, pool }));
      this.#searchedTo = due;
    }
  }

  took(i: number, reply: SliceReply): void {
    const seat = this.#seat(i);
    const { ended, over, state, figures, best, front, emigrants, quarantinedCount, parents } = reply;
    for (const [k, left] of fromColumns(ended.emigrants).entries())
      this.#endEpoch(seat, { best: ended.bests[k], emigrants: left });
    seat.figures = figures;
    seat.engine = figures.engine;
    seat.slice = over ? undefined : state;
    if (over) {
      const left = { figures, state, best, front, quarantinedCount, parents };
      this.#endEpoch(seat, { best: figures.best, emigrants }, left);
    }
    seat.working = false;
    this.#end();
    this.#review();
    this.#forget();
  }

  #endEpoch(seat: Seat, end: Omit<EpochEnd, "left">, left?: Omit<Left, "migrants" | "proposals">): void {
    seat.epochs++;
    seat.sent += end.emigrants.length;
    seat.received += seat.immigrants.shift()?.length ?? 0;
    // A stretch has a thousand epochs: of those within it no more is kept than somebody asks for.
    if (left === undefined) return void seat.history.set(seat.epochs, end);
    const { received, sent, stale, proposals } = seat;
    seat.history.set(seat.epochs, { ...end, left: { ...left, migrants: { received, sent, stale }, proposals } });
    this.#finish(seat);
  }

  #finish(seat: Seat): void {
    const { left } = seat.history.get(seat.epochs) ?? {};
    if (left !== undefined && left.figures.evaluations >= this.plan.evaluations) seat.finished = true;
  }

  /** Where one is done sooner than another, the sooner one counts: A4. */
  #end(): void {
    const { target, free } = this.plan;
    if (target === undefined) return;
    for (const seat of this.seats) {
      for (const [epoch, { best }] of seat.history) {
        if (best !== undefined && best <= target) this.#last = Math.min(this.#last, epoch);
      }
    }
    if (free || this.#last === Number.POSITIVE_INFINITY) return;
    for (const seat of this.seats) if (!seat.working) backFor(seat, this.#last);
  }

  /** What no cut, no neighbour and no ending can ask for any more. */
  #forget(): void {
    const mark = this.#mark(this.epoch);
    const keep = mark - (this.plan.free ? this.settings.migration.expiry : this.#lag(mark));
    for (const seat of this.seats) {
      // It may have to go back to there.
      const own = snapshotAt(seat, Math.min(mark, seat.epochs))?.epoch ?? 0;
      for (const epoch of seat.history.keys()) if (epoch < Math.min(keep, own)) seat.history.delete(epoch);
    }
    const oldest = this.#standings.findLastIndex(({ epoch }) => epoch <= keep);
    if (oldest > 0) this.#standings = this.#standings.slice(oldest);
  }

  /** A3: the newest there is; undefined before the first epoch is over for all. */
  cut(): Cut | undefined {
    const epoch = this.over ? this.epoch : this.#mark(this.epoch);
    const islands = this.seats.map((seat): CutIsland | undefined => {
      const at = snapshotAt(seat, this.plan.free ? seat.epochs : epoch);
      if (at === undefined) return undefined;
      const oldest = at.epoch - (this.plan.free ? this.settings.migration.expiry : this.#lag(epoch));
      const mail = [...seat.history]
        .filter(([past]) => past < at.epoch && past >= oldest)
        .map(([past, { emigrants }]) => ({ epoch: past, emigrants }));
      return { ...at, mail };
    });
    if (epoch === 0 || !islands.every((each) => each !== undefined)) return undefined;
    if (this.plan.portfolio === undefined) return { epoch, islands };
    const known = this.#standings.filter((each) => each.epoch <= epoch);
    const inForce = known.findLastIndex((each) => each.epoch <= epoch - this.#lag(epoch));
    return { epoch, islands, standings: known.slice(Math.max(0, inForce)) };
  }

  get #mostLag(): number {
    return this.plan.lag ?? 1;
  }

  #lag(epochs: number): number {
    return lagOf(epochs, this.#mostLag);
  }

  /** Where islands run freely, they leave their states where they like. */
  #mark(epoch: number): number {
    return this.plan.free ? epoch : markAt(epoch, this.#mostLag);
  }

  #seat(i: number): Seat {
    const seat = this.seats[i];
    if (seat === undefined) throw new Fault("internal", `there is no island ${i}`);
    return seat;
  }
}

export interface Cut {
  readonly epoch: number;
  readonly islands: readonly CutIsland[];
  /** Of a portfolio: the last reviews, from that on which is in force. */
  readonly standings?: readonly Standing[];
}

interface Said {
  readonly task: StretchTask["task"];
  readonly settings: Settings;
}

/** Whether one epoch is asked for as the one before it. */
function isSame(last: Said, next: Said): boolean {
  const isPlain = [last, next].every(({ task }) => task.proposals?.length === 0 && task.parents === undefined);
  return isPlain && last.settings === next.settings && last.task.engine === next.task.engine;
}

function genesOf(migrants: readonly Individual[] | undefined): number {
  return (migrants ?? []).reduce((sum, { genes }) => sum + genes.length, 0);
}
