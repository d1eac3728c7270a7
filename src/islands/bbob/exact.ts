// Logarithm and cosine rounded to the nearest double.
//
// Some BBOB functions take the cosine of large numbers, so the last bit of a rotation shows in the twelfth digit of the value.
// The engine's own may be one bit off; COCO's come from a C library that rounds correctly. Whole numbers of 120 binary places
// give the same. Slow, and used only where an instance is made.

const PLACES = 120n;
const ONE = 1n << PLACES;
const PI = 4175892906503776358826876457663557747n;
const LN_2 = 921350637599661305226344307672478454n;

/** x in [2^-60, 1]. */
export function exactLog(x: number): number {
  let mantissa = fixed(x);
  let halvings = 0n;
  while (mantissa < (ONE * 3n) / 4n) {
    mantissa *= 2n;
    halvings++;
  }
  // log m = 2 artanh((m - 1) / (m + 1))
  const t = ((mantissa - ONE) << PLACES) / (mantissa + ONE);
  const square = (t * t) >> PLACES;
  let sum = 0n;
  let power = t;
  for (let odd = 1n; power !== 0n && power !== -1n; odd += 2n) {
    sum += power / odd;
    power = (power * square) >> PLACES;
  }
  return toNumber(2n * sum - halvings * LN_2);
}

/** x in [0, 7). */
export function exactCos(x: number): number {
  const angle = fixed(x);
  const turns = (2n * angle) / PI;
  const rest = angle - (turns * PI) / 2n;
  if (turns % 4n === 0n) return toNumber(series(rest, 0n));
  if (turns % 4n === 1n) return -toNumber(series(rest, 1n));
  if (turns % 4n === 2n) return -toNumber(series(rest, 0n));
  return toNumber(series(rest, 1n));
}

/** The cosine's series from the power 0, the sine's from 1. */
function series(angle: bigint, first: 0n | 1n): bigint {
  const square = (angle * angle) >> PLACES;
  let term = first === 0n ? ONE : angle;
  let sum = term;
  for (let power = first; term !== 0n && term !== -1n; power += 2n) {
    term = -((term * square) >> PLACES) / ((power + 1n) * (power + 2n));
    sum += term;
  }
  return sum;
}

/** Exact: a double of that size has no more places. */
function fixed(x: number): bigint {
  return BigInt(x * 2 ** 120);
}

function toNumber(value: bigint): number {
  return Number(value) / 2 ** 120;
}
