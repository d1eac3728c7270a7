// Whether a node is there, as somebody states it; and which of two statements counts.
//
// Laws (status.test.ts): merging is associative, commutative and idempotent, so that it does not matter
// in which order, how often and by which way statements arrive.

/** In the order of precedence within one incarnation (SWIM, section 4.2). */
export const STATES = ["alive", "suspect", "dead", "left"] as const;
export type State = (typeof STATES)[number];

export interface Status {
  /** Raised by the node itself and by nobody else: at its start, and to refute. */
  readonly incarnation: number;
  readonly state: State;
  /** When the statement is to be forgotten, on the holder's clock; Infinity where it is not. */
  readonly until: number;
  /** Of a suspicion: who found the node silent, in order, at most ACCUSERS. */
  readonly accusers: readonly string[];
}

/** Shared, since nearly all statements have none. */
export const NOBODY: readonly string[] = [];

/** The first, and as many confirmations as Lifeguard wants (K = 3). */
export const ACCUSERS = 4;

const RANK: Readonly<Record<State, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

/**
 * Incarnation decides, then state, and only between equals the shorter lifetime. Taking the shorter lifetime throughout,
 * as plain merging of `node → lifetime` does, loses renewals: who heard of one loses it to everybody who has not.
 * Answers `mine` itself where theirs adds nothing.
 */
export function mergeStatus(mine: Status, theirs: Status): Status {
  const order = compareStatus(mine, theirs);
  if (order !== 0) return order > 0 ? mine : theirs;
  const until = Math.min(mine.until, theirs.until);
  const accusers = union(mine.accusers, theirs.accusers);
  if (until === mine.until && accusers === mine.accusers) return mine;
  return { incarnation: mine.incarnation, state: mine.state, until, accusers };
}

/** Above 0 where `mine` overrides, below where `theirs` does. */
export function compareStatus(mine: Pick<Status, "incarnation" | "state">, theirs: typeof mine): number {
  return mine.incarnation - theirs.incarnation || RANK[mine.state] - RANK[theirs.state];
}

export function isLive(state: State): boolean {
  return state === "alive" || state === "suspect";
}

/** The first ACCUSERS of both, in order; of which sets that is the union which never grows. `mine` where nothing is new. */
function union(mine: readonly string[], theirs: readonly string[]): readonly string[] {
  if (theirs.every((id) => mine.includes(id))) return mine;
  const both = [...new Set([...mine, ...theirs])].sort().slice(0, ACCUSERS);
  return both.length === mine.length && both.every((id, place) => id === mine[place]) ? mine : both;
}
