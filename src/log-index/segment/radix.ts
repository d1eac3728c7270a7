// Sorting rows by a number of 32 bits: least digit first, eleven bits at a time, stable.
//
// A hot path, written for the machine (bench/logs.ts); the reference in its test is Array.prototype.sort.

const DIGIT = 11;
const BUCKETS = 1 << DIGIT;

export interface Sorted {
  readonly keys: Uint32Array;
  readonly values: Uint32Array;
}

/** Both arrays may be overwritten, as may the spare ones, which are as long; the answer is one pair of them. */
export function radixSort(count: number, pair: Sorted, spare: Sorted): Sorted {
  let from = pair;
  let to = spare;
  let high = 0;
  let low = 0xffffffff;
  for (let i = 0; i < count; i++) {
    const key = from.keys[i] ?? 0;
    if (key > high) high = key;
    if (key < low) low = key;
  }
  const buckets = new Uint32Array(BUCKETS);
  for (let shift = 0; shift < 32; shift += DIGIT) {
    // All keys agree in this digit and those above it.
    if (count === 0 || (shift > 0 && high >>> shift === low >>> shift)) break;
    buckets.fill(0);
    const { keys, values } = from;
    for (let i = 0; i < count; i++) {
      const digit = ((keys[i] ?? 0) >>> shift) & (BUCKETS - 1);
      buckets[digit] = (buckets[digit] ?? 0) + 1;
    }
    let sum = 0;
    for (let digit = 0; digit < BUCKETS; digit++) {
      const here = buckets[digit] ?? 0;
      buckets[digit] = sum;
      sum += here;
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i] ?? 0;
      const digit = (key >>> shift) & (BUCKETS - 1);
      const at = buckets[digit] ?? 0;
      buckets[digit] = at + 1;
      to.keys[at] = key;
      to.values[at] = values[i] ?? 0;
    }
    [from, to] = [to, from];
  }
  return from;
}
