// How late migrants are, so that islands need not wait for each other; and after which epochs all islands leave their state.
//
//   epoch     0        16         32            64                        128
//   lag       1 ······ 2 ········ 4 ··········· 8 ······················· 16 … an eighth of the run so far, up to the plan's most
//   marks     every    every      every 2nd     every 4th                 every 8th …
//
// A message costs what thousands of cheap evaluations cost, so an island is asked for all epochs up to the next mark at once. It has
// their migrants as long as its sources are no more than the lag behind, and marks are half a lag apart: whoever is given a
// stretch between two marks waits only for who is more than one such stretch behind.
//
// Invariants
//   L1. All follows from the number of the epoch and the plan, and not from time.
//   L2. What an island left after an epoch is taken by a neighbour once: where the lag grows, nothing is taken.
//   L3. Migrants are never older than an eighth of the run, or than one epoch: a short run of costly evaluations loses nothing.

/** Of new plans. */
const MOST_LAGS = { least: 256, most: 2_048 };
/** Under way between two islands, one migrant an epoch. */
const GENES_UNDER_WAY = 20_480;
/** Under way in all: what conducts the run remembers each, in some 500 bytes. */
const MIGRANTS_UNDER_WAY = 65_536;

/**
 * Of a new plan. The less an evaluation costs, the more epochs a message has to be for: a stretch of half of these, of the cheapest
 * functions, takes 150 to 300 ms. What an evaluation costs follows from the dimensions at least; and of many islands some are at work
 * while others wait.
 */
export function mostLag(dimensions: number, islands: number): number {
  const most = 2 ** Math.floor(Math.log2(Math.min(GENES_UNDER_WAY / dimensions, MIGRANTS_UNDER_WAY / islands)));
  return Math.min(MOST_LAGS.most, Math.max(MOST_LAGS.least, most));
}

const SHARE = 8;
const STRETCHES = 2;

/** Epochs between what is left and what is taken by the island that is about to begin its next after `epochs`. */
export function lagOf(epochs: number, most: number): number {
  return Math.min(most, Math.max(1, Math.floor(epochs / SHARE)));
}

/** The epoch that those left after who come to an island that is about to begin its next after `epochs`; undefined: nobody comes. */
export function mailOf(epochs: number, most: number): number | undefined {
  const left = epochs - lagOf(epochs, most);
  const before = epochs - 1 - lagOf(epochs - 1, most);
  return left > 0 && left !== before ? left : undefined;
}

/** The last mark that is not after `epochs`. */
export function markAt(epochs: number, most: number): number {
  return epochs - (epochs % stretchOf(epochs, most));
}

export function nextMark(epochs: number, most: number): number {
  return markAt(epochs, most) + stretchOf(epochs, most);
}

/** A power of two, so that a mark is one also where stretches are longer. */
function stretchOf(epochs: number, most: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, lagOf(epochs, most) / STRETCHES)));
}
