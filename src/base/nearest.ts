// The right name that a wrong one most likely stands for, so that an error can suggest it.

/** Names longer than this are compared by their first characters: the work grows with the product of both lengths. */
const LONGEST = 200;

/**
 * The candidate that differs least from `name`, letters' case aside; undefined where none is near.
 * A candidate that ends in `name` after a dot or slash is the nearest of all: people leave packages out.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wrong = name.toLowerCase().slice(0, LONGEST);
  if (wrong === "") return undefined;
  // A third of the letters may be wrong, but two always, so that short names get an answer too.
  let least = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  let found: string | undefined;
  for (const candidate of candidates) {
    const distance = distanceOf(wrong, candidate.toLowerCase().slice(0, LONGEST), least);
    if (distance >= least) continue;
    least = distance;
    found = candidate;
  }
  return found;
}

/** "; did you mean 'x'?" or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const found = nearest(name, candidates);
  return found === undefined ? "" : `; did you mean '${found}'?`;
}

function distanceOf(wrong: string, right: string, limit: number): number {
  if (right.endsWith(`.${wrong}`) || right.endsWith(`/${wrong}`)) return 0.5;
  return editDistance(wrong, right, limit);
}

/** Letters added, left out, replaced or swapped with their neighbour (Damerau 1964, optimal alignment); `limit` where more. */
export function editDistance(from: string, to: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, at(beforePrevious, column - 2) + 1);
      current.push(cost);
    }
    if (Math.min(...current) >= limit) return limit;
    beforePrevious = previous;
    previous = current;
  }
  return Math.min(at(previous, to.length), limit);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
