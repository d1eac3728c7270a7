// Where an island stands in its archipelago: epochs that are over, what is known after each, and what it is being asked for.

import type { Individual } from "../engines/engine.ts";
import type { IslandFigures } from "../island.ts";
import { NOTHING_PROPOSED, type ProposalCounts } from "./questions.ts";

/** What is known of an island after any epoch. */
export interface EpochEnd {
  /** Least value so far. Left out of epochs before a cut that was gone on from: of those only the mail is known. */
  readonly best?: number | undefined;
  readonly emigrants: readonly Individual[];
  /** Where a stretch of epochs ended. */
  readonly left?: Left;
}

/** What an island leaves where it can be gone on from. */
export interface Left {
  readonly migrants: MigrantCounts;
  /** Before the epoch's end. */
  readonly proposals: ProposalCounts;
  readonly figures: IslandFigures;
  readonly state: Uint8Array;
  readonly best: Individual | undefined;
  readonly front: readonly Individual[];
  readonly quarantinedCount: number;
  /** Whom a proposer is shown before the next epoch. */
  readonly parents: readonly Individual[];
}

/** One island after an epoch at whose end it left its state. */
export type Snapshot = Pick<EpochEnd, "emigrants"> & Left;

/** Since the beginning. Stale ones were purged. */
export interface MigrantCounts {
  readonly received: number;
  readonly sent: number;
  readonly stale: number;
}

export interface CutIsland {
  readonly epoch: number;
  readonly snapshot: Snapshot;
  /** Emigrants of the epochs before, that some island has yet to take. */
  readonly mail: readonly { readonly epoch: number; readonly emigrants: readonly Individual[] }[];
}

export interface Seat {
  /** Epochs that are over. */
  epochs: number;
  /** Epochs that it has been asked for, those that are over among them: no setting of theirs changes any more. */
  asked: number;
  /** Whether it is at work on what it was asked for. */
  working: boolean;
  /** Of the epoch in hand, as its last slice left it. */
  slice: Uint8Array | undefined;
  /** After the epochs that may still be asked for; 0: before the first. */
  readonly history: Map<number, EpochEnd>;
  finished: boolean;
  /** Newest figures, also from within an epoch. */
  figures: IslandFigures | undefined;
  received: number;
  sent: number;
  stale: number;
  /** Where it runs freely: the newest epoch of each source it has taken. */
  readonly taken: Map<number, number>;
  /** Of its last slice. */
  engine: string;
  proposals: ProposalCounts;
  /** What was answered before the epoch in hand, or the next. */
  proposed: { readonly epoch: number; readonly rows: readonly Float64Array[] } | undefined;
  /** Migrants of the epoch in hand, so that a slice that is asked again is given the same; then those of the epochs after it. */
  immigrants: (readonly Individual[])[];
}

export function seatOf(engine: string, epoch: number, from: CutIsland | undefined): Seat {
  const seat: Seat = {
    ...{ epochs: from?.epoch ?? epoch, asked: from?.epoch ?? epoch, working: false, slice: undefined },
    ...{ history: new Map(), finished: false, figures: undefined, ...NOBODY, taken: new Map() },
    ...{ engine, proposals: NOTHING_PROPOSED, proposed: undefined, immigrants: [] },
  };
  if (from === undefined) return seat;
  const { emigrants, ...left } = from.snapshot;
  for (const { epoch: past, emigrants: before } of from.mail) seat.history.set(past, { emigrants: before });
  seat.history.set(from.epoch, { emigrants, best: left.figures.best, left });
  goBack(seat, from.epoch);
  return seat;
}

const NOBODY: MigrantCounts = { received: 0, sent: 0, stale: 0 };

/** As if no epoch after this one had been. */
function goBack(seat: Seat, epoch: number): void {
  const { figures, migrants = NOBODY, proposals = NOTHING_PROPOSED } = seat.history.get(epoch)?.left ?? {};
  for (const later of seat.history.keys()) if (later > epoch) seat.history.delete(later);
  Object.assign(seat, { figures, proposals, ...migrants, epochs: epoch, slice: undefined, immigrants: [] });
  seat.finished = false;
  seat.engine = figures?.engine ?? seat.engine;
}

/** Nothing where it is not past the epoch, or left its state there; else it has to go there once more from where it last did. */
export function backFor(seat: Seat, epoch: number): void {
  if (seat.epochs <= epoch || seat.history.get(epoch)?.left !== undefined) return;
  const before = [...seat.history].filter(([past, { left }]) => past < epoch && left !== undefined);
  goBack(seat, Math.max(0, ...before.map(([past]) => past)));
}

/** At most this long ago, in epochs: the newest that it can be gone on from. */
export function snapshotAt(
  seat: Seat,
  epoch: number,
): { readonly epoch: number; readonly snapshot: Snapshot } | undefined {
  let newest: { readonly epoch: number; readonly snapshot: Snapshot } | undefined;
  for (const [past, { left, emigrants }] of seat.history) {
    if (left === undefined || past > epoch || past < (newest?.epoch ?? 0)) continue;
    newest = { epoch: past, snapshot: { emigrants, ...left } };
  }
  return newest;
}

/** A finished island stays as it was at its end. */
export function bestAfter(seat: Seat, epoch: number): number {
  return (seat.history.get(epoch) ?? seat.history.get(seat.epochs))?.best ?? Number.POSITIVE_INFINITY;
}
