// What one keeper of a program says to who asks to be, or to go on being, its owner. Pure: plain data and the time.
//
//   nobody ──vote──▶ epoch e, its owner ──hold──▶ granted until … ──not heard for long, or given up──▶ vote for e + 1
//
// A majority of keepers grants and votes, so two epochs share a keeper: it has voted for the second only when what it granted
// under the first was over, and it was over for the first owner even earlier, who counts from when it asked.
//
// Invariants
//   B1. A keeper votes for one owner in each epoch, and for no epoch below one that it voted for.
//   B2. It votes for the next while nothing that it granted is in force, by its own clock, and then grants the one before nothing.
//   B3. What it said before it was started again counts as if granted then.

export interface Ballot {
  readonly epoch: number;
  readonly owner: string;
  readonly home: string;
  /** What it granted last under this epoch; undefined where nothing is in force that could bind it. */
  readonly granted: Granted | undefined;
  /** The longest lease that it granted, in ms: outlasts restarts. */
  readonly longestMs: number;
  /** The owner said that it is that no more. */
  readonly released: boolean;
}

export interface Granted {
  /** On the keeper's monotonic clock. */
  readonly at: number;
}

export interface Voted {
  readonly granted: boolean;
  readonly ballot: Ballot | undefined;
}

/** Clocks drift, and what is on its way ages unseen: no lease is taken to end sooner than so long after its end. */
export const LEASE_MARGIN_MS = 500;

/** How long an owner takes itself for that without a further word, where it is replaced after `afterMs`. */
export function leaseMsOf(afterMs: number): number {
  return Math.floor((afterMs * 3) / 4);
}

/** `afterMs`: how long an owner has to be away until it is replaced. */
export interface Now {
  readonly now: number;
  readonly afterMs: number;
}

/** Whether nothing that this keeper granted is in force. */
export function isOver(ballot: Ballot | undefined, { now, afterMs }: Now): boolean {
  if (ballot?.granted === undefined) return true;
  return now >= ballot.granted.at + Math.max(afterMs, ballot.longestMs + LEASE_MARGIN_MS);
}

export function vote(
  ballot: Ballot | undefined,
  asked: { readonly epoch: number; readonly node: string; readonly home: string },
  now: Now,
): Voted {
  const { epoch, node, home } = asked;
  if (ballot !== undefined && epoch === ballot.epoch) return { granted: node === ballot.owner, ballot };
  if ((ballot !== undefined && epoch < ballot.epoch) || !isOver(ballot, now)) return { granted: false, ballot };
  const fresh = { epoch, owner: node, home, granted: undefined, longestMs: 0, released: false };
  return { granted: true, ballot: fresh };
}

/** More than half have voted for it, this keeper or not: what they granted before is over. */
export function adopt(
  ballot: Ballot | undefined,
  owner: { readonly epoch: number; readonly node: string; readonly home: string } | undefined,
  { now, afterMs }: Now,
): Ballot | undefined {
  if (owner === undefined || owner.epoch <= (ballot?.epoch ?? 0)) return ballot;
  const { epoch, node, home } = owner;
  return { epoch, owner: node, home, granted: { at: now }, longestMs: leaseMsOf(afterMs), released: false };
}

export function hold(
  ballot: Ballot | undefined,
  { epoch, node, leaseMs, release }: { epoch: number; node: string; leaseMs: number; release: boolean },
  now: number,
): Voted {
  if (ballot === undefined || epoch !== ballot.epoch || node !== ballot.owner) return { granted: false, ballot };
  if (release) return { granted: false, ballot: { ...ballot, granted: undefined, released: true } };
  if (ballot.released) return { granted: false, ballot };
  const longestMs = Math.max(leaseMs, ballot.longestMs);
  return { granted: true, ballot: { ...ballot, granted: { at: now }, longestMs } };
}
