// Lines like the one before, as nearly all are: the same user and zone, the same ten minutes. They are read four bytes at a
// time, and what is unusual about a line is left to the parser that reads every line (access-line.ts), so both agree.
//
// A hot path, written for the machine (bench/logs.ts); its reference in access-line.test.ts is that parser.
//
// Reading may look at up to three bytes behind the line's end, so the caller keeps lines away that end there.

import type { Parsed } from "./parsed.ts";
import { hashedEnd, hashedWord } from "./string-hash.ts";

const NEWLINE = 10;
const SPACE = 32;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;

/** Bytes of [17/May/2015:10:05:03 +0000] and of what stands before the request. */
const TIME_BYTES = 28;
/** `" "` and `" 200 "`, as the bytes stand in memory. */
const BEFORE_REQUEST = 0x2220;
/** Between address and "["; users with longer names are not usual. */
const HEAD_LIMIT = 32;

export class UsualLines {
  // Of the line before: what stands between address and time, and its time but for the last four digits.
  readonly #head = new Uint8Array(HEAD_LIMIT);
  #headBytes = -1;
  #zone = "";
  #date0 = 0;
  #date1 = 0;
  #date2 = 0;
  #date3 = 0;
  #zone0 = 0;
  #zone1 = 0;
  #zoneMinutes = 0;
  /** The moment at which the ten minutes of the line before begin. */
  #base = 0;
  #around = 0;

  /** Lines like this one are usual from now on: the line was read, and is its parts in the usual order. */
  learn(b: Uint8Array, line: Parsed): void {
    const { headFrom, headTo, zoneFrom, zoneTo } = line;
    const bytes = headTo - headFrom;
    if (bytes > HEAD_LIMIT) return;
    let zone = "";
    for (let at = zoneFrom; at < zoneTo; at++) zone += String.fromCharCode(b[at] ?? 0);
    let isSame = bytes === this.#headBytes && zone === this.#zone;
    for (let i = 0; i < bytes; i++) {
      isSame &&= this.#head[i] === b[headFrom + i];
      this.#head[i] = b[headFrom + i] ?? 0;
    }
    if (!isSame) this.#around = (this.#around + 1) & 0xfffffff || 1;
    this.#headBytes = bytes;
    this.#zone = zone;
    const date = headTo + 1;
    this.#date0 = wordAt(b, date);
    this.#date1 = wordAt(b, date + 4);
    this.#date2 = wordAt(b, date + 8);
    this.#date3 = wordAt(b, date + 12);
    this.#zone0 = wordAt(b, date + 20);
    this.#zone1 = wordAt(b, date + 23);
    this.#zoneMinutes = line.zoneMinutes;
    const minute = (b[date + 16] ?? 0) - ZERO;
    const second = ((b[date + 18] ?? 0) - ZERO) * 10 + (b[date + 19] ?? 0) - ZERO;
    this.#base = line.time - minute * 60 - second;
    line.around = this.#around;
  }

  /** Where the newline stands that ends the line; -1 where the line is not usual, or none. There is a newline at `from` or later. */
  read(b: Uint8Array, v: DataView, from: number, into: Parsed): number {
    let at = from;
    let address = 0;
    for (let dots = 0; dots < 4; dots++) {
      let part = (b[at] ?? 0) - ZERO;
      if (part < 0 || part > 9) return -1;
      let digit = (b[++at] ?? 0) - ZERO;
      if (digit >= 0 && digit <= 9) {
        if (part === 0) return -1;
        part = part * 10 + digit;
        digit = (b[++at] ?? 0) - ZERO;
        if (digit >= 0 && digit <= 9) {
          part = part * 10 + digit;
          if (part > 255) return -1;
          digit = (b[++at] ?? 0) - ZERO;
        }
      }
      address = (address << 8) | part;
      if (digit !== (dots < 3 ? DOT : SPACE) - ZERO) return -1;
      at++;
    }
    at--;
    const headFrom = at;
    const head = this.#head;
    const headTo = at + this.#headBytes;
    for (let i = 0; at < headTo; i++, at++) if (b[at] !== head[i]) return -1;
    if (b[at] !== 91) return -1;
    // 17/May/2015:10:05:03 +0000]
    if (
      v.getInt32(at + 1, true) !== this.#date0 ||
      v.getInt32(at + 5, true) !== this.#date1 ||
      v.getInt32(at + 9, true) !== this.#date2 ||
      v.getInt32(at + 13, true) !== this.#date3 ||
      v.getInt32(at + 21, true) !== this.#zone0 ||
      v.getInt32(at + 24, true) !== this.#zone1
    )
      return -1;
    const minute = (b[at + 17] ?? 0) - ZERO;
    const tens = (b[at + 19] ?? 0) - ZERO;
    const ones = (b[at + 20] ?? 0) - ZERO;
    if (minute < 0 || minute > 9 || b[at + 18] !== COLON || tens < 0 || tens > 5 || ones < 0 || ones > 9) return -1;
    const zoneFrom = at + 22;
    at += TIME_BYTES;
    if (v.getUint16(at, true) !== BEFORE_REQUEST) return -1;
    at += 2;
    const requestFrom = at;
    let hash = 0;
    let word = v.getInt32(at, true);
    // In which of four bytes a quote, a newline or a backslash stands, by the lowest bit that is set.
    let found = zerosIn(word ^ 0x22222222) | zerosIn(word ^ 0x0a0a0a0a) | zerosIn(word ^ 0x5c5c5c5c);
    while (found === 0) {
      hash = hashedWord(hash, word);
      at += 4;
      word = v.getInt32(at, true);
      found = zerosIn(word ^ 0x22222222) | zerosIn(word ^ 0x0a0a0a0a) | zerosIn(word ^ 0x5c5c5c5c);
    }
    const bits = (31 - Math.clz32(found & -found)) & 24;
    at += bits >>> 3;
    if (b[at] !== 34) return -1;
    const requestTo = at;
    const first = (b[at + 2] ?? 0) - ZERO;
    const second = (b[at + 3] ?? 0) - ZERO;
    const third = (b[at + 4] ?? 0) - ZERO;
    if (b[at + 1] !== SPACE || first < 0 || first > 9 || second < 0 || second > 9 || third < 0 || third > 9) return -1;
    if (b[at + 5] !== SPACE) return -1;
    at += 6;
    let c = b[at] ?? 0;
    let size = c - ZERO;
    if (c === MINUS) {
      size = -1;
      c = b[++at] ?? 0;
    } else {
      if (size < 0 || size > 9) return -1;
      c = b[++at] ?? 0;
      let digit = c - ZERO;
      if (size === 0 && digit >= 0 && digit <= 9) return -1;
      while (digit >= 0 && digit <= 9) {
        size = size * 10 + digit;
        if (size > 1e8) return -1;
        c = b[++at] ?? 0;
        digit = c - ZERO;
      }
    }
    into.tailFrom = at;
    if (c !== NEWLINE) {
      if (c !== SPACE) return -1;
      at = b.indexOf(NEWLINE, at);
    }
    into.time = this.#base + minute * 60 + tens * 10 + ones;
    into.address = address >>> 0;
    into.other = "";
    into.exact = true;
    into.around = this.#around;
    into.headFrom = headFrom;
    into.headTo = headTo;
    into.zoneFrom = zoneFrom;
    into.zoneTo = zoneFrom + 5;
    into.zoneMinutes = this.#zoneMinutes;
    into.requestFrom = requestFrom;
    into.requestTo = requestTo;
    into.requestHash = hashedEnd(hash, word & ((1 << bits) - 1), requestTo - requestFrom);
    into.status = first * 100 + second * 10 + third;
    into.size = size;
    return at;
  }
}

/** The highest bit of every byte that is 0; of bytes above the lowest of them also where there is none. */
function zerosIn(word: number): number {
  return (word - 0x01010101) & ~word & 0x80808080;
}

function wordAt(b: Uint8Array, at: number): number {
  return (b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24);
}
