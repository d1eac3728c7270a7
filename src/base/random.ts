// Randomness as everything in Unum sees it: handed in, so that a seed replays a run.

export interface Random {
  /** Uniform in 0 … 2^32 - 1. */
  u32(): number;
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform whole number in 0 … n - 1; n in 1 … 2^32. */
  below(n: number): number;
  /** A generator of its own, decided by this one's state: what one part draws does not change what another gets. */
  fork(): Random;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush. Not for secrets. */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const u32 = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  // The first outputs still show the seed.
  for (let i = 0; i < 12; i++) u32();
  return {
    u32,
    float: () => u32() / 2 ** 32,
    below: (n) => Math.floor((u32() / 2 ** 32) * n),
    fork: () => seededRandom(u32() * 2 ** 20 + (u32() >>> 12)),
  };
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** A name nobody else will draw: `prefix` and 16 letters (80 bits). */
export function newId(random: Random, prefix: string): string {
  let id = prefix;
  for (let word = 0; word < 4; word++) {
    let bits = random.u32();
    for (let i = 0; i < 4; i++) {
      id += ALPHABET[bits & 31];
      bits >>>= 5;
    }
  }
  return id;
}
