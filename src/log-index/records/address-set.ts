// The addresses that a question names: single ones, CIDR blocks, ranges; any number of them.
//
// Kept as ranges that are sorted and do not touch, so that membership is a binary search, and a bit for each /16 that
// rules most addresses out at once.

import { Fault } from "../../base/fault.ts";
import { formatIpv4, formatOther, ipv6Key, parseAddress, parseIpv4, parseIpv6 } from "./address.ts";

export interface KeyRange {
  readonly from: string;
  /** Included. */
  readonly to: string;
}

export class AddressSet {
  /** Ranges of IPv4 addresses, both ends included. */
  readonly froms: Uint32Array;
  readonly tos: Uint32Array;
  /** Ranges of the keys of others. */
  readonly others: readonly KeyRange[];
  /** How many IPv4 addresses are in it. */
  readonly v4Count: number;
  /** Made when it is first asked whether it has an address. */
  #blocks: Uint32Array | undefined;

  constructor(v4: readonly (readonly [from: number, to: number])[], others: readonly KeyRange[]) {
    const merged = mergedRanges(v4);
    this.froms = Uint32Array.from(merged, ([from]) => from);
    this.tos = Uint32Array.from(merged, ([, to]) => to);
    this.v4Count = merged.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    this.others = mergedKeys(others);
  }

  /** `invalid` where an item is no address, block or range. */
  static parse(items: readonly string[]): AddressSet {
    const v4: [number, number][] = [];
    const others: KeyRange[] = [];
    for (const item of items) {
      const range = parseItem(item.trim());
      if ("v4" in range) v4.push(range.v4);
      else others.push(range.others);
    }
    return new AddressSet(v4, others);
  }

  hasV4(value: number): boolean {
    this.#blocks ??= blocksOf(this.froms, this.tos);
    if (((this.#blocks[value >>> 21] ?? 0) & (1 << ((value >>> 16) & 31))) === 0) return false;
    const { tos } = this;
    let low = 0;
    let high = tos.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((tos[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low < tos.length && (this.froms[low] ?? 0) <= value;
  }

  hasOther(key: string): boolean {
    const { others } = this;
    let low = 0;
    let high = others.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((others[middle]?.to ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return (others[low]?.from ?? "~") <= key;
  }

  /** The items that `parse` makes it from again, the shortest way of saying it first. */
  items(): string[] {
    const v4 = [...this.froms].map((from, i) => {
      const to = this.tos[i] ?? from;
      return from === to ? formatIpv4(from) : `${formatIpv4(from)}-${formatIpv4(to)}`;
    });
    const others = this.others.map(({ from, to }) =>
      from === to ? formatOther(from) : `${formatOther(from)}-${formatOther(to)}`,
    );
    return [...v4, ...others];
  }
}

/** A bit for each /16 that has any. */
function blocksOf(froms: Uint32Array, tos: Uint32Array): Uint32Array {
  const blocks = new Uint32Array(2048);
  for (let i = 0; i < froms.length; i++) {
    for (let block = (froms[i] ?? 0) >>> 16; block <= (tos[i] ?? 0) >>> 16; block++)
      blocks[block >>> 5] = (blocks[block >>> 5] ?? 0) | (1 << (block & 31));
  }
  return blocks;
}

type Item = { readonly v4: [number, number] } | { readonly others: KeyRange };

function parseItem(text: string): Item {
  const wrong = (why: string) =>
    new Fault(
      "invalid",
      `'${text}' ${why}; write an address (83.149.9.216, 2001:db8::1, a host), a block (66.249.73.0/24) or a range (10.0.0.1-10.0.0.9)`,
    );
  if (text.includes("/")) return block(text, wrong);
  const range = /^([\d.]+|[0-9a-fA-F:.]+:[0-9a-fA-F:.]*)-([0-9a-fA-F:.]+)$/.exec(text);
  if (range !== null) {
    const from = parseAddress(range[1] ?? "");
    const to = parseAddress(range[2] ?? "");
    if (from === undefined || to === undefined || (from.other === "") !== (to.other === ""))
      throw wrong("is no range of addresses");
    if (from.other === "" ? from.v4 > to.v4 : from.other > to.other) throw wrong("ends before it begins");
    return from.other === "" ? { v4: [from.v4, to.v4] } : { others: { from: from.other, to: to.other } };
  }
  const address = parseAddress(text);
  if (address === undefined) throw wrong("is no address");
  return address.other === ""
    ? { v4: [address.v4, address.v4] }
    : { others: { from: address.other, to: address.other } };
}

function block(text: string, wrong: (why: string) => Fault): Item {
  const [base = "", bits = ""] = text.split("/");
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  const v4 = parseIpv4(base);
  if (v4 !== undefined) {
    if (!(length <= 32)) throw wrong("is no block: an IPv4 prefix has 0 to 32 bits");
    const size = 2 ** (32 - length);
    const from = Math.floor(v4 / size) * size;
    return { v4: [from, from + size - 1] };
  }
  const groups = base.includes(":") ? parseIpv6(base) : undefined;
  if (groups === undefined) throw wrong("is no block");
  if (!(length <= 128)) throw wrong("is no block: an IPv6 prefix has 0 to 128 bits");
  const mask = groups.map((_, i) => (0xffff << (16 - Math.max(0, Math.min(16, length - i * 16)))) & 0xffff);
  const from = groups.map((group, i) => group & (mask[i] ?? 0));
  const to = groups.map((group, i) => group | (~(mask[i] ?? 0) & 0xffff));
  return { others: { from: ipv6Key(from), to: ipv6Key(to) } };
}

function mergedRanges(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function mergedKeys(ranges: readonly KeyRange[]): KeyRange[] {
  const merged: { from: string; to: string }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = to > last.to ? to : last.to;
    else merged.push({ from, to });
  }
  return merged;
}
