// Work for a processor alone: the same number of steps takes the same work anywhere.

/** The state of a generator (xorshift, G. Marsaglia 2003) after so many steps. */
export function compute(steps: number): number {
  let state = 0x9e3779b9;
  for (let step = 0; step < steps; step++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state >>> 0;
}
