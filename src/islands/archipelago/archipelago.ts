// All islands of one search: who may go on, what they are given, what came of it. Decides; others act.
//
//   mayBegin(i) ──▶ request(i) ──host──▶ took(i, reply) ─┬─ epoch not over: request(i) again
//                                                        └─ over: emigrants are in the mail, neighbours may go on
//
// Invariants
//   A1. Reproducible: what island i is given in epoch e are the emigrants its sources left in epoch e - 1 - LAG, whenever
//       they came. With I1 of an island, populations depend on plan and settings alone, and not on processes, delays, kills.
//   A2. Settings are changed from an epoch on that no island has begun.
//   A3. A cut is the state of every island after the same epoch, and all mail that is under way then: enough to go on.
//   A4. What a search ends with is the cut after the first epoch in which it was over for any island.
//   A5. Which engine an island runs in epoch e follows from reviews after epochs up to e - LAG, each of the state of all islands.

import type { Individual } from "../engines/engine.ts";
import { engineOf } from "../engines/make-engine.ts";
import { Fault } from "../fault.ts";
import type { IslandFigures } from "../island.ts";
import type { Proposal } from "../proposer.ts";
import type { SliceReply, SliceRequest } from "./host.ts";
import { firstStanding, reviewed, type Standing } from "./portfolio.ts";
import { mayAsk, NOTHING_PROPOSED, type ProposalCounts, parentsFor, type Question } from "./questions.ts";
import type { Settings } from "./settings.ts";
import { sourcesOf } from "./topology.ts";

/** Islands may be so many epochs ahead of what they receive from. */
export const LAG = 1;

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
}

/** One island after one epoch. */
export interface Snapshot {
  readonly state: Uint8Array;
  readonly figures: IslandFigures;
  readonly best: Individual | undefined;
  readonly front: readonly Individual[];
  readonly emigrants: readonly Individual[];
  readonly quarantinedCount: number;
  readonly migrants: MigrantCounts;
  /** Whom a proposer is shown before the next epoch. */
  readonly parents: readonly Individual[];
  /** Before this epoch's end. */
  readonly proposals: ProposalCounts;
}

/** Since the beginning. Stale ones were purged. */
export interface MigrantCounts {
  readonly received: number;
  readonly sent: number;
  readonly stale: number;
}

interface Seat {
  /** Epochs that are over. */
  epochs: number;
  /** Of the epoch in hand, as its last slice left it. */
  slice: Uint8Array | undefined;
  /** After the epochs that may still be asked for; 0: before the first. */
  readonly history: Map<number, Snapshot>;
  finished: boolean;
  /** Newest figures, also from within an epoch. */
  figures: IslandFigures | undefined;
  received: number;
  sent: number;
  stale: number;
  /** Where it runs freely: the newest epoch of each source it has taken. */
  readonly taken: Map<number, number>;
  /** That of the epoch in hand, or of the last one. */
  engine: string;
  proposals: ProposalCounts;
  /** What was answered before the epoch in hand, or the next. */
  proposed: { readonly epoch: number; readonly rows: readonly Float64Array[] } | undefined;
  /** Migrants of the epoch in hand, so that a slice that is asked again is given the same. */
  immigrants: readonly Individual[] | undefined;
}

export interface SettingsChange {
  readonly epoch: number;
  readonly settings: Settings;
}

export class Archipelago {
  readonly plan: Plan;
  readonly seats: readonly Seat[];
  #changes: readonly SettingsChange[];
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
    const epoch = Math.max(...this.seats.map(({ epochs }) => epochs)) + 1;
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
    if (this.plan.free || seat.slice !== undefined) return true;
    if (this.#reviewDue() <= seat.epochs - LAG) return false;
    return this.#sources(i, seat.epochs).every((j) => {
      const source = this.#seat(j);
      return source.finished || source.epochs >= seat.epochs - LAG;
    });
  }

  /** What an island that may begin has to ask first; undefined where nothing is due. */
  question(i: number): Question | undefined {
    const seat = this.#seat(i);
    if (!this.plan.proposes || seat.immigrants !== undefined || seat.slice !== undefined) return undefined;
    const settings = this.settingsAt(seat.epochs);
    const parents = seat.history.get(seat.epochs)?.parents ?? [];
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

  request(i: number, sliceMs: number): SliceRequest {
    const seat = this.#seat(i);
    const settings = this.settingsAt(seat.epochs);
    if (seat.immigrants === undefined) {
      seat.immigrants = this.#mailFor(i, settings);
      seat.engine = this.#engineFor(i, seat.epochs - LAG);
    }
    const parents = this.plan.proposes ? parentsFor(seat.epochs, settings) : undefined;
    return {
      island: this.plan.islands[i] ?? String(i),
      engine: seat.engine,
      seed: this.plan.seed,
      lane: i + 1,
      state: seat.slice ?? seat.history.get(seat.epochs)?.state,
      task: {
        immigrants: seat.immigrants,
        evaluations: settings.migration.every,
        emigrants: settings.migration.topology === "none" ? 0 : settings.migration.count,
        selection: settings.migration.selection,
        replacement: settings.migration.replacement,
        target: this.plan.target,
        energy: settings.energy,
        proposals: seat.proposed?.epoch === seat.epochs ? seat.proposed.rows : [],
        ...(parents === undefined ? undefined : { parents }),
      },
      sliceMs,
    };
  }

  #mailFor(i: number, settings: Settings): readonly Individual[] {
    const seat = this.#seat(i);
    if (this.plan.free) return this.#freeMail(i, settings);
    // A1; before the first epoch nobody has sent.
    const epoch = seat.epochs - LAG;
    const mail = this.#sources(i, seat.epochs).flatMap((j) => this.#seat(j).history.get(epoch)?.emigrants ?? []);
    seat.received += mail.length;
    return mail;
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
      const mail = live.flatMap((epoch) => source.history.get(epoch)?.emigrants ?? []);
      seat.received += mail.length;
      return mail;
    });
  }

  #sources(i: number, epoch: number): readonly number[] {
    const { topology, degree } = this.settingsAt(epoch).migration;
    return sourcesOf(topology, this.seats.length, { degree, seed: this.plan.seed })[i] ?? [];
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
    seat.figures = reply.figures;
    if (!reply.over) {
      seat.slice = reply.state;
      return;
    }
    const { state, figures, best, front, emigrants, quarantinedCount, parents } = reply;
    seat.slice = undefined;
    seat.immigrants = undefined;
    seat.epochs++;
    seat.sent += emigrants.length;
    const { received, sent, stale, proposals } = seat;
    const migrants = { received, sent, stale };
    const own = { state, figures, best, front, emigrants, quarantinedCount, migrants, parents, proposals };
    seat.history.set(seat.epochs, own);
    this.#finish(seat);
    this.#end();
    this.#review();
    this.#forget();
  }

  #finish(seat: Seat): void {
    const last = seat.history.get(seat.epochs);
    if (last === undefined) return;
    if (last.figures.evaluations >= this.plan.evaluations) seat.finished = true;
    const { target } = this.plan;
    if (target !== undefined && last.figures.best <= target) this.#last = Math.min(this.#last, seat.epochs);
  }

  /** Where one is done sooner than another, the sooner one counts: A4. */
  #end(): void {
    for (const seat of this.seats) {
      for (const [epoch, { figures }] of seat.history) {
        if (this.plan.target !== undefined && figures.best <= this.plan.target)
          this.#last = Math.min(this.#last, epoch);
      }
    }
  }

  /** What no cut, no neighbour and no ending can ask for any more. */
  #forget(): void {
    const keep = this.epoch - LAG - (this.plan.free ? this.settings.migration.expiry : 0);
    for (const seat of this.seats) {
      for (const epoch of seat.history.keys()) {
        if (epoch < Math.min(keep, seat.epochs)) seat.history.delete(epoch);
      }
    }
    const oldest = this.#standings.findLastIndex(({ epoch }) => epoch <= keep);
    if (oldest > 0) this.#standings = this.#standings.slice(oldest);
  }

  /** A3: the newest there is; undefined before the first epoch is over for all. */
  cut(): Cut | undefined {
    const epoch = this.epoch;
    const islands = this.seats.map((seat): CutIsland | undefined => {
      const own = seat.finished ? Math.min(seat.epochs, epoch) : epoch;
      const at = this.plan.free ? seat.epochs : own;
      const snapshot = seat.history.get(at);
      if (snapshot === undefined) return undefined;
      const oldest = at - (this.plan.free ? this.settings.migration.expiry : LAG);
      const mail = [...seat.history]
        .filter(([past]) => past < at && past >= oldest)
        .map(([past, { emigrants }]) => ({ epoch: past, emigrants }));
      return { epoch: at, snapshot, mail };
    });
    if (epoch === 0 || !islands.every((each) => each !== undefined)) return undefined;
    if (this.plan.portfolio === undefined) return { epoch, islands };
    const known = this.#standings.filter((each) => each.epoch <= epoch);
    const inForce = known.findLastIndex((each) => each.epoch <= epoch - LAG);
    return { epoch, islands, standings: known.slice(Math.max(0, inForce)) };
  }

  #seat(i: number): Seat {
    const seat = this.seats[i];
    if (seat === undefined) throw new Fault("internal", `there is no island ${i}`);
    return seat;
  }
}

export interface CutIsland {
  readonly epoch: number;
  readonly snapshot: Snapshot;
  /** Emigrants of the epochs before, that some island has yet to take. */
  readonly mail: readonly { readonly epoch: number; readonly emigrants: readonly Individual[] }[];
}

export interface Cut {
  readonly epoch: number;
  readonly islands: readonly CutIsland[];
  /** Of a portfolio: the last reviews, from that on which is in force. */
  readonly standings?: readonly Standing[];
}

/** A finished island stays as it was at its end. */
function bestAfter(seat: Seat, epoch: number): number {
  const snapshot = seat.history.get(epoch) ?? seat.history.get(seat.epochs);
  return snapshot?.figures.best ?? Number.POSITIVE_INFINITY;
}

function seatOf(engine: string, epoch: number, from: CutIsland | undefined): Seat {
  const history = new Map<number, Snapshot>();
  if (from !== undefined) {
    for (const { epoch: past, emigrants } of from.mail) history.set(past, { ...from.snapshot, emigrants });
    history.set(from.epoch, from.snapshot);
  }
  return {
    epochs: from?.epoch ?? epoch,
    slice: undefined,
    history,
    finished: false,
    figures: from?.snapshot.figures,
    ...(from?.snapshot.migrants ?? { received: 0, sent: 0, stale: 0 }),
    taken: new Map(),
    engine: from?.snapshot.figures.engine ?? engine,
    proposals: from?.snapshot.proposals ?? NOTHING_PROPOSED,
    proposed: undefined,
    immigrants: undefined,
  };
}
