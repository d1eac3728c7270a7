// Randomness no other process repeats: the seeded generator with a seed from the operating system.

import { randomBytes } from "node:crypto";
import { type Random, seededRandom } from "../base/random.ts";

/** Of the 2^53 seeds one is drawn; not for secrets. */
export function systemRandom(): Random {
  const seed = randomBytes(8).readBigUInt64LE() & (2n ** 53n - 1n);
  return seededRandom(Number(seed));
}
