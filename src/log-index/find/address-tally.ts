// First, last and count of every address: gathered in columns, sorted and folded whenever they are full, so that what is
// held grows with the addresses and not with the records.
//
// A hot path, written for the machine (bench/logs.ts); the reference in its test is a Map.

import { formatIpv4, formatOther } from "../records/address.ts";

export interface AddressCount {
  readonly address: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

interface Columns {
  readonly addresses: Uint32Array;
  readonly counts: Uint32Array;
  readonly firsts: Uint32Array;
  readonly lasts: Uint32Array;
}

const HELD = 1 << 20;
const NONE = new Uint32Array(0);

export class AddressTally {
  #folded: Columns = { addresses: NONE, counts: NONE, firsts: NONE, lasts: NONE };
  #addresses = new Uint32Array(1024);
  #times = new Uint32Array(1024);
  #count = 0;
  readonly #others = new Map<string, { count: number; first: number; last: number }>();

  addV4(address: number, time: number): void {
    if (this.#count === this.#addresses.length) {
      if (this.#count >= HELD) this.#fold();
      else this.#grow();
    }
    this.#addresses[this.#count] = address;
    this.#times[this.#count] = time;
    this.#count++;
  }

  addOther(key: string, time: number, count = 1, last = time): void {
    const known = this.#others.get(key);
    if (known === undefined) this.#others.set(key, { count, first: time, last });
    else {
      known.count += count;
      known.first = Math.min(known.first, time);
      known.last = Math.max(known.last, last);
    }
  }

  get different(): number {
    this.#fold();
    return this.#folded.addresses.length + this.#others.size;
  }

  /** Those with the highest counts first; of equal ones, the one seen first. */
  top(limit: number): AddressCount[] {
    this.#fold();
    const { counts } = this.#folded;
    // Only what may be among the first so many is made an object.
    const least = leastOfTop(counts, limit);
    const all: AddressCount[] = [];
    for (let i = 0; i < counts.length; i++) if ((counts[i] ?? 0) >= least) all.push(this.#at(i));
    for (const [key, { count, first, last }] of this.#others)
      all.push({ address: formatOther(key), count, first, last });
    return all
      .sort((a, b) => b.count - a.count || a.first - b.first || (a.address < b.address ? -1 : 1))
      .slice(0, limit);
  }

  *all(): Generator<AddressCount> {
    this.#fold();
    for (let i = 0; i < this.#folded.addresses.length; i++) yield this.#at(i);
    for (const [key, { count, first, last }] of this.#others) yield { address: formatOther(key), count, first, last };
  }

  #at(i: number): AddressCount {
    const { addresses, counts, firsts, lasts } = this.#folded;
    return {
      address: formatIpv4(addresses[i] ?? 0),
      count: counts[i] ?? 0,
      first: firsts[i] ?? 0,
      last: lasts[i] ?? 0,
    };
  }

  merge(other: AddressTally): void {
    this.#fold();
    other.#fold();
    this.#folded = joined(this.#folded, other.#folded);
    for (const [key, { count, first, last }] of other.#others) this.addOther(key, first, count, last);
  }

  #grow(): void {
    const larger = (from: Uint32Array) => {
      const to = new Uint32Array(from.length * 4);
      to.set(from);
      return to;
    };
    this.#addresses = larger(this.#addresses);
    this.#times = larger(this.#times);
  }

  #fold(): void {
    if (this.#count === 0) return;
    const count = this.#count;
    // Address and time in one number that sorts by address, then time: 64 bits do not fit a double, so two passes.
    const keys = new Float64Array(count);
    for (let i = 0; i < count; i++) keys[i] = (this.#addresses[i] ?? 0) * 2 ** 20 + i;
    keys.sort();
    const addresses = new Uint32Array(count);
    const counts = new Uint32Array(count);
    const firsts = new Uint32Array(count);
    const lasts = new Uint32Array(count);
    let at = -1;
    for (let i = 0; i < count; i++) {
      const key = keys[i] ?? 0;
      const address = Math.floor(key / 2 ** 20);
      const time = this.#times[key - address * 2 ** 20] ?? 0;
      if (at < 0 || addresses[at] !== address) {
        at++;
        addresses[at] = address;
        firsts[at] = time;
        lasts[at] = time;
      }
      counts[at] = (counts[at] ?? 0) + 1;
      if (time < (firsts[at] ?? 0)) firsts[at] = time;
      if (time > (lasts[at] ?? 0)) lasts[at] = time;
    }
    this.#count = 0;
    const end = at + 1;
    const folded = {
      addresses: addresses.slice(0, end),
      counts: counts.slice(0, end),
      firsts: firsts.slice(0, end),
      lasts: lasts.slice(0, end),
    };
    this.#folded = joined(this.#folded, folded);
  }

  /** For the wire: columns, and the others one by one. */
  toJson(): AddressTallyJson {
    this.#fold();
    const { addresses, counts, firsts, lasts } = this.#folded;
    const text = (column: Uint32Array) =>
      Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString("base64");
    return {
      v4: [text(addresses), text(counts), text(firsts), text(lasts)],
      others: [...this.#others].map(([key, { count, first, last }]) => [key, count, first, last]),
    };
  }

  static fromJson({ v4, others }: AddressTallyJson): AddressTally {
    const tally = new AddressTally();
    const [addresses = NONE, counts = NONE, firsts = NONE, lasts = NONE] = v4.map(
      (text) => new Uint32Array(new Uint8Array(Buffer.from(text, "base64")).buffer),
    );
    tally.#folded = { addresses, counts, firsts, lasts };
    for (const [key, count, first, last] of others) tally.addOther(key, first, count, last);
    return tally;
  }
}

export interface AddressTallyJson {
  readonly v4: readonly string[];
  readonly others: readonly (readonly [key: string, count: number, first: number, last: number])[];
}

function joined(a: Columns, b: Columns): Columns {
  if (a.addresses.length === 0) return b;
  if (b.addresses.length === 0) return a;
  const length = a.addresses.length + b.addresses.length;
  const into = {
    addresses: new Uint32Array(length),
    counts: new Uint32Array(length),
    firsts: new Uint32Array(length),
    lasts: new Uint32Array(length),
  };
  let at = 0;
  let i = 0;
  let j = 0;
  const put = (from: Columns, k: number) => {
    into.addresses[at] = from.addresses[k] ?? 0;
    into.counts[at] = from.counts[k] ?? 0;
    into.firsts[at] = from.firsts[k] ?? 0;
    into.lasts[at] = from.lasts[k] ?? 0;
    at++;
  };
  while (i < a.addresses.length || j < b.addresses.length) {
    const left = i < a.addresses.length ? (a.addresses[i] ?? 0) : Number.POSITIVE_INFINITY;
    const right = j < b.addresses.length ? (b.addresses[j] ?? 0) : Number.POSITIVE_INFINITY;
    if (left < right) put(a, i++);
    else if (right < left) put(b, j++);
    else {
      put(a, i);
      into.counts[at - 1] = (into.counts[at - 1] ?? 0) + (b.counts[j] ?? 0);
      into.firsts[at - 1] = Math.min(a.firsts[i] ?? 0, b.firsts[j] ?? 0);
      into.lasts[at - 1] = Math.max(a.lasts[i] ?? 0, b.lasts[j] ?? 0);
      i++;
      j++;
    }
  }
  return {
    addresses: into.addresses.slice(0, at),
    counts: into.counts.slice(0, at),
    firsts: into.firsts.slice(0, at),
    lasts: into.lasts.slice(0, at),
  };
}

/** The count that one must have to be among the first `limit`. */
function leastOfTop(counts: Uint32Array, limit: number): number {
  if (counts.length <= limit) return 0;
  const sorted = counts.slice().sort();
  return sorted[sorted.length - limit] ?? 0;
}
