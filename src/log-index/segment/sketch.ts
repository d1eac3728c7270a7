// How many different addresses, roughly: HyperLogLog with 2^16 registers, within 0.41 % (one standard deviation).
//
// Sketches merge register by register, so the answer over many segments, servers and nodes is that of one over all. The estimate is
// Ertl's (New cardinality estimation algorithms for HyperLogLog sketches, 2017), which needs no correction tables.

const BITS = 16;
const REGISTERS = 1 << BITS;
/** Values of a register: 0 to 33. */
const TOP = 33;

export class Sketch {
  readonly registers: Uint8Array;

  constructor(registers = new Uint8Array(REGISTERS)) {
    this.registers = registers;
  }

  addV4(address: number): void {
    this.#add(mixed(address), mixed(address ^ 0x5bd1e995));
  }

  addOther(key: string): void {
    let first = 0x811c9dc5;
    let second = 0x1b873593;
    for (let i = 0; i < key.length; i++) {
      first = Math.imul(first ^ key.charCodeAt(i), 0x01000193);
      second = Math.imul(second ^ key.charCodeAt(i), 0x85ebca6b) + 0x165667b1;
    }
    this.#add(mixed(first), mixed(second));
  }

  #add(first: number, second: number): void {
    const register = first >>> (32 - BITS);
    const rank = Math.clz32(second) + 1;
    if (rank > (this.registers[register] ?? 0)) this.registers[register] = rank;
  }

  merge(other: Sketch): void {
    // Four registers at a time: none is above 127, so that a byte's highest bit says which of two is the greater.
    const into = wordsOf(this.registers);
    const from = wordsOf(other.registers);
    for (let i = 0; i < into.length; i++) {
      const a = into[i] ?? 0;
      const b = from[i] ?? 0;
      const isMore = Math.imul((((a | 0x80808080) - b) >>> 7) & 0x01010101, 255);
      into[i] = (a & isMore) | (b & ~isMore);
    }
  }

  estimate(): number {
    const counts = new Float64Array(TOP + 1);
    for (let i = 0; i < REGISTERS; i++) {
      const value = this.registers[i] ?? 0;
      counts[value] = (counts[value] ?? 0) + 1;
    }
    let z = REGISTERS * tau(1 - (counts[TOP] ?? 0) / REGISTERS);
    for (let k = TOP - 1; k >= 1; k--) z = 0.5 * (z + (counts[k] ?? 0));
    z += REGISTERS * sigma((counts[0] ?? 0) / REGISTERS);
    return Math.round((REGISTERS * REGISTERS) / (2 * Math.LN2 * z));
  }
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

function sigma(value: number): number {
  if (value === 1) return Number.POSITIVE_INFINITY;
  let x = value;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
}

function tau(value: number): number {
  if (value === 0 || value === 1) return 0;
  let x = value;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
    if (z === before) return z / 3;
  }
}

/** The finaliser of MurmurHash3 (Appleby): every bit of the input moves about half of the output's. */
function mixed(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
