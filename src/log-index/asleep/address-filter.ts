// Passing over lines of addresses that are not asked for, by their first characters: most of a scan for a list.
//
// A hot path, written for the machine (bench/logs.ts): a line that is passed over costs its address and no more.

import type { LineParser } from "../parsing/parsed.ts";
import type { AddressSet } from "../records/address-set.ts";

const SPACE = 32;
const DOT = 46;
const ZERO = 48;

/** So many lines are passed over at most before one is read whole: its time may say that the rest is too late. */
const READ_EVERY = 256;

/** Only for access logs, whose lines begin with the address. */
export function onlyOf(parser: LineParser, addresses: AddressSet): LineParser {
  return {
    format: parser.format,
    parse: (bytes, from, to, into) => parser.parse(bytes, from, to, into),
    ...(parser.quick === undefined ? {} : { quick: parser.quick }),
    skip(bytes, view, from, fence) {
      let at = from;
      for (let left = READ_EVERY; left > 0 && at <= fence; left--) {
        const end = endOfAnother(bytes, view, at, addresses);
        if (end < 0) return at;
        at = end + 1;
      }
      return at;
    },
  };
}

/** Where the line ends, if it begins with an IPv4 address that is not in the set; -1 where that is not certain. */
function endOfAnother(b: Uint8Array, v: DataView, from: number, addresses: AddressSet): number {
  let at = from;
  let address = 0;
  for (let dots = 0; dots < 4; dots++) {
    let part = (b[at] ?? 0) - ZERO;
    if (part < 0 || part > 9) return -1;
    let digit = (b[++at] ?? 0) - ZERO;
    if (digit >= 0 && digit <= 9) {
      part = part * 10 + digit;
      digit = (b[++at] ?? 0) - ZERO;
      if (digit >= 0 && digit <= 9) {
        part = part * 10 + digit;
        if (part > 255) return -1;
        digit = (b[++at] ?? 0) - ZERO;
      }
    }
    if (digit !== (dots < 3 ? DOT : SPACE) - ZERO) return -1;
    address = (address << 8) | part;
    at++;
  }
  if (addresses.hasV4(address >>> 0)) return -1;
  // Four bytes at a time: in which of them a newline stands, by the lowest bit that is set.
  let found = newlinesIn(v.getInt32(at, true));
  while (found === 0) {
    at += 4;
    found = newlinesIn(v.getInt32(at, true));
  }
  return at + ((31 - Math.clz32(found & -found)) >>> 3);
}

function newlinesIn(word: number): number {
  const x = word ^ 0x0a0a0a0a;
  return (x - 0x01010101) & ~x & 0x80808080;
}
