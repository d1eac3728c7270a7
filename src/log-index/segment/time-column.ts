// The times of a segment's rows, in order: an Elias–Fano code, searched without decoding.
//
// The upper bits of each time stand in unary in one bit vector (row r with upper part h sets bit r + h), the l lower
// bits beside it. Samples of where every 64th one and zero stand make both directions a short walk: which row comes first at a
// moment, and when a row was. (Elias 1974, Fano 1971; Vigna, Quasi-succinct indices, 2013.)
//
// A hot path, written for the machine (bench/logs.ts); the reference in its test is a plain array.

const SAMPLE_SHIFT = 6;
const SAMPLE = 1 << SAMPLE_SHIFT;
/** Rows whose words are fetched together. */
const TOGETHER = 64;
const STARTS = new Uint32Array(TOGETHER);
const WORDS = new Int32Array(TOGETHER);
/** Position of the one with so many ones before it in a byte: at ones * 256 + byte. */
const IN_BYTE = inByte();

export class TimeColumn {
  readonly rows: number;
  readonly from: number;
  readonly #low: number;
  readonly #upper: Uint32Array;
  readonly #lower: Uint32Array;
  readonly #ones: Uint32Array;
  readonly #zeros: Uint32Array;

  /** `bytes` as `encodeTimes` made them. */
  constructor(bytes: Uint8Array) {
    const copy = bytes.slice();
    const words = new Uint32Array(copy.buffer);
    this.rows = words[0] ?? 0;
    this.from = words[1] ?? 0;
    this.#low = words[2] ?? 0;
    const upperWords = words[3] ?? 0;
    this.#upper = words.subarray(4, 4 + upperWords);
    this.#lower = words.subarray(4 + upperWords);
    const bits = upperWords * 32;
    this.#ones = new Uint32Array((this.rows >>> SAMPLE_SHIFT) + 2);
    this.#zeros = new Uint32Array(((bits - this.rows) >>> SAMPLE_SHIFT) + 2);
    this.#sample();
  }

  /** The first row whose time is `time` or later; `rows` where there is none. */
  firstAt(time: number): number {
    const offset = time - this.from;
    if (offset <= 0) return 0;
    const high = Math.floor(offset / 2 ** this.#low);
    // Row r has bit r + h: after the high-th zero stand the rows whose upper part is `high` or more.
    let at = high === 0 ? 0 : this.#zeroAt(high - 1) + 1;
    if (at < 0) return this.rows;
    let row = at - high;
    const low = offset - high * 2 ** this.#low;
    const upper = this.#upper;
    while (row < this.rows) {
      if (((upper[at >>> 5] ?? 0) & (1 << (at & 31))) === 0) return row;
      if (this.#lowerOf(row) >= low) return row;
      row++;
      at++;
    }
    return row;
  }

  timeOf(row: number): number {
    return this.from + (this.#oneAt(row) - row) * 2 ** this.#low + this.#lowerOf(row);
  }

  /**
   * The times of rows[from, to) into the same places of `into`. Rows that lie far apart are each in other lines of memory: where to
   * look is fetched for many of them before any is looked at, so that the processor waits for them together.
   */
  timesOf(rows: Uint32Array, from: number, to: number, into: Uint32Array): void {
    const upper = this.#upper;
    const scale = 2 ** this.#low;
    for (let first = from; first < to; first += TOGETHER) {
      const end = Math.min(to, first + TOGETHER);
      for (let i = first; i < end; i++) STARTS[i - first] = this.#ones[(rows[i] ?? 0) >>> SAMPLE_SHIFT] ?? 0;
      for (let i = 0; i < end - first; i++) WORDS[i] = upper[(STARTS[i] ?? 0) >>> 5] ?? 0;
      for (let i = first; i < end; i++) {
        const row = rows[i] ?? 0;
        const one = this.#oneFrom(STARTS[i - first] ?? 0, WORDS[i - first] ?? 0, row & (SAMPLE - 1));
        into[i] = this.from + (one - row) * scale + this.#lowerOf(row);
      }
    }
  }

  /** The times of rows [from, to), in order. */
  decode(from: number, to: number, into: Uint32Array, at: number): void {
    if (from >= to) return;
    const upper = this.#upper;
    const scale = 2 ** this.#low;
    let position = this.#oneAt(from);
    let word = position >>> 5;
    let bits = ((upper[word] ?? 0) >>> (position & 31)) << (position & 31);
    for (let row = from; row < to; row++) {
      while (bits === 0) bits = upper[++word] ?? 0;
      position = word * 32 + (31 - Math.clz32(bits & -bits));
      bits &= bits - 1;
      into[at + row - from] = this.from + (position - row) * scale + this.#lowerOf(row);
    }
  }

  #lowerOf(row: number): number {
    const low = this.#low;
    if (low === 0) return 0;
    const bit = row * low;
    const word = Math.floor(bit / 32);
    const shift = bit & 31;
    const first = (this.#lower[word] ?? 0) >>> shift;
    const both = shift + low > 32 ? first | ((this.#lower[word + 1] ?? 0) << (32 - shift)) : first;
    return low === 32 ? both >>> 0 : (both & ((1 << low) - 1)) >>> 0;
  }

  /** Position of the one with so many ones before it. */
  #oneAt(index: number): number {
    const start = this.#ones[index >>> SAMPLE_SHIFT] ?? 0;
    return this.#oneFrom(start, this.#upper[start >>> 5] ?? 0, index & (SAMPLE - 1));
  }

  /** Position of the one with so many ones between it and the start; `first` is the word of the start. */
  #oneFrom(start: number, first: number, index: number): number {
    const upper = this.#upper;
    let left = index;
    let word = start >>> 5;
    let bits = (first >>> (start & 31)) << (start & 31);
    for (;;) {
      const count = ones(bits);
      if (left < count) return word * 32 + nth(bits, left);
      left -= count;
      word++;
      bits = upper[word] ?? 0;
    }
  }

  /** Position of the zero with so many zeros before it; less than -1 where there are not so many. */
  #zeroAt(index: number): number {
    const upper = this.#upper;
    if (index >= upper.length * 32 - this.rows) return -2;
    const start = this.#zeros[index >>> SAMPLE_SHIFT] ?? 0;
    let left = index & (SAMPLE - 1);
    let word = start >>> 5;
    let bits = (~(upper[word] ?? 0) >>> (start & 31)) << (start & 31);
    for (;;) {
      const count = ones(bits);
      if (left < count) return word * 32 + nth(bits, left);
      left -= count;
      word++;
      bits = ~(upper[word] ?? 0);
    }
  }

  #sample(): void {
    let oneCount = 0;
    let zeroCount = 0;
    for (let word = 0; word < this.#upper.length; word++) {
      const bits = this.#upper[word] ?? 0;
      const count = ones(bits);
      const nextOne = (oneCount + SAMPLE - 1) & -SAMPLE;
      if (nextOne < oneCount + count) this.#ones[nextOne >>> SAMPLE_SHIFT] = word * 32 + nth(bits, nextOne - oneCount);
      const nextZero = (zeroCount + SAMPLE - 1) & -SAMPLE;
      if (nextZero < zeroCount + 32 - count)
        this.#zeros[nextZero >>> SAMPLE_SHIFT] = word * 32 + nth(~bits, nextZero - zeroCount);
      oneCount += count;
      zeroCount += 32 - count;
    }
  }
}

/** `times` are in order, whole and of 32 bits. */
export function encodeTimes(times: Uint32Array, rows: number): Uint8Array {
  const from = rows === 0 ? 0 : (times[0] ?? 0);
  const range = rows === 0 ? 0 : (times[rows - 1] ?? 0) - from;
  const low = rows === 0 ? 0 : Math.max(0, Math.floor(Math.log2((range + 1) / rows)));
  const scale = 2 ** low;
  const upperWords = Math.ceil((rows + Math.floor(range / scale) + 2) / 32);
  const lowerWords = Math.ceil((rows * low) / 32);
  const words = new Uint32Array(4 + upperWords + lowerWords);
  words.set([rows, from, low, upperWords]);
  for (let row = 0; row < rows; row++) {
    const offset = (times[row] ?? 0) - from;
    const bit = row + Math.floor(offset / scale);
    words[4 + (bit >>> 5)] = (words[4 + (bit >>> 5)] ?? 0) | (1 << (bit & 31));
    if (low === 0) continue;
    const value = offset % scale;
    const lowBit = row * low;
    const word = 4 + upperWords + Math.floor(lowBit / 32);
    const shift = lowBit & 31;
    words[word] = (words[word] ?? 0) | (value << shift);
    if (shift + low > 32) words[word + 1] = value >>> (32 - shift);
  }
  return new Uint8Array(words.buffer);
}

function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Position of the one with `left` ones before it in a word. */
function nth(word: number, left: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  // Each byte: the ones in it and in those below.
  const sums = Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101);
  // In how many bytes, from the lowest on, there are not enough.
  const byte =
    (((sums & 255) - left - 1) >>> 31) +
    ((((sums >>> 8) & 255) - left - 1) >>> 31) +
    ((((sums >>> 16) & 255) - left - 1) >>> 31);
  const shift = byte * 8;
  const before = ((sums << 8) >>> shift) & 255;
  return shift + (IN_BYTE[((left - before) << 8) | ((word >>> shift) & 255)] ?? 0);
}

function inByte(): Uint8Array {
  const table = new Uint8Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let before = 0;
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) table[before++ * 256 + byte] = bit;
  }
  return table;
}
