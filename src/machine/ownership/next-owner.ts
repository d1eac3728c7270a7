// Which node a program's place goes to, and when it is taken back. Pure.

export interface Candidate {
  readonly node: string;
  /** It was heard of lately. */
  readonly online: boolean;
  /** It may run the program: no whole machine, not revoked, and the program has not failed there. */
  readonly fit: boolean;
  /** Other programs whose owner it is. */
  readonly owns: number;
}

export interface Place {
  /** Who has it, or had it last; empty where nobody had. */
  readonly owner: string;
  /** Whose it is; empty where nobody had it. */
  readonly home: string;
  /** It ended by its own word: it is not away. */
  readonly released: boolean;
  /** Nodes that the operator named; empty for all. */
  readonly nodes: readonly string[];
  readonly takesBack: boolean;
}

/** Undefined where there is none. Whose place it is first, then who has least, then by name. */
export function nextOwner(
  candidates: readonly Candidate[],
  place: Place,
): { readonly node: string; readonly home: string } | undefined {
  const able = candidates.filter(({ node, online, fit }) => online && fit && isNamed(node, place));
  const others = able.filter(({ node }) => node !== place.owner || place.released);
  // Who did not go on asking is last, though it was heard of.
  const [first] = (others.length > 0 ? others : able).toSorted(
    (a, b) => rank(a.node, place) - rank(b.node, place) || a.owns - b.owns || (a.node < b.node ? -1 : 1),
  );
  if (first === undefined) return undefined;
  const isStanding = place.takesBack && place.home !== "" && isNamed(place.home, place);
  return { node: first.node, home: isStanding ? place.home : first.node };
}

/** Whether the owner is to give its place up: it is not named any more, or the place is taken back. */
export function mustGiveUp(candidates: readonly Candidate[], place: Place): boolean {
  const isAble = (node: string) => candidates.some((each) => each.node === node && each.online && each.fit);
  const isOther = candidates.some((each) => each.online && each.fit && isNamed(each.node, place));
  if (!isNamed(place.owner, place)) return isOther;
  return place.takesBack && place.home !== place.owner && isNamed(place.home, place) && isAble(place.home);
}

function isNamed(node: string, { nodes }: Place): boolean {
  return nodes.length === 0 || nodes.includes(node);
}

function rank(node: string, { home, owner, released, takesBack }: Place): number {
  if (takesBack && node === home) return 0;
  return node === owner && released ? 1 : 2;
}
