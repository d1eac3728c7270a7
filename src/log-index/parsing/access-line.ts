// Lines of Apache and nginx, common and combined: ADDRESS - USER [TIME ZONE] "REQUEST" STATUS SIZE, and whatever follows.
//
// A hot path, written for the machine: one walk over the bytes, nothing allocated (bench/logs.ts). Its reference is the
// regular expression in access-line.test.ts.

import { formatOther, parseAddress } from "../records/address.ts";
import { dayNumber, MONTHS, TIME_LIMIT } from "../records/time.ts";
import type { LineParser, Parsed } from "./parsed.ts";
import { hashOf } from "./string-hash.ts";
import { UsualLines } from "./usual-line.ts";

const SPACE = 32;
const QUOTE = 34;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;

const NO_ADDRESS = "begins with no address";
const NO_TIME = "has no [time] after the address";
const WRONG_TIME = "has a time that the calendar does not have";
const NO_REQUEST = 'has no "request" after the time';
const NO_STATUS = "has no status after the request";
const NO_SIZE = "has no size after the status";

export function accessLineParser(): LineParser {
  // Most lines are of the same day as the one before.
  let lastDate = -1;
  let lastYear = -1;
  let lastMonth = -1;
  let lastDays = 0;
  let lastZone = -1;
  let lastZoneMinutes = 0;
  const usual = new UsualLines();

  function parse(b: Uint8Array, from: number, to: number, into: Parsed): string | undefined {
    let at = from;
    let exact = true;
    // An IPv4 address, as most are.
    let address = 0;
    let part = 0;
    let digits = 0;
    let dots = 0;
    let c = 0;
    for (; at < to; at++) {
      c = b[at] ?? 0;
      const digit = c - ZERO;
      if (digit >= 0 && digit <= 9) {
        if (digits > 0 && part === 0) exact = false;
        part = part * 10 + digit;
        digits++;
      } else if (c === DOT && digits > 0 && digits < 4 && part < 256 && dots < 3) {
        address = address * 256 + part;
        part = 0;
        digits = 0;
        dots++;
      } else break;
    }
    if (c === SPACE && dots === 3 && digits > 0 && digits < 4 && part < 256) {
      into.address = address * 256 + part;
      into.other = "";
    } else {
      while (at < to && b[at] !== SPACE) at++;
      if (at - from > 255 || at === from) return NO_ADDRESS;
      const text = latin1(b, from, at);
      const found = parseAddress(text);
      if (found === undefined) return NO_ADDRESS;
      into.address = found.v4;
      into.other = found.other;
      // A mapped IPv4 address, upper case or another spelling of the same address: the line is kept whole.
      exact = found.other !== "" && formatOther(found.other) === text;
    }
    into.headFrom = at;
    while (at < to && b[at] !== OPEN) at++;
    into.headTo = at;
    // dd/Mon/yyyy:HH:MM:SS +zzzz]
    if (at + 28 > to || b[at + 27] !== CLOSE || b[at + 21] !== SPACE) return NO_TIME;
    const day = two(b, at + 1);
    const year = two(b, at + 8) * 100 + two(b, at + 10);
    const month = ((b[at + 4] ?? 0) << 16) | ((b[at + 5] ?? 0) << 8) | (b[at + 6] ?? 0);
    const hour = two(b, at + 13);
    const minute = two(b, at + 16);
    const second = two(b, at + 19);
    if (!(hour < 24 && minute < 60 && second <= 60)) return WRONG_TIME;
    if (b[at + 3] !== 47 || b[at + 7] !== 47 || b[at + 12] !== COLON || b[at + 15] !== COLON || b[at + 18] !== COLON)
      return NO_TIME;
    if (day !== lastDate || year !== lastYear || month !== lastMonth) {
      const name = MONTHS.findIndex((each) => each.toLowerCase() === latin1(b, at + 4, at + 7).toLowerCase());
      lastDays = name < 0 ? Number.NaN : dayNumber(year, name + 1, day);
      lastDate = day;
      lastYear = year;
      lastMonth = month;
    }
    if (Number.isNaN(lastDays)) return WRONG_TIME;
    const zone = ((b[at + 23] ?? 0) << 24) | ((b[at + 24] ?? 0) << 16) | ((b[at + 25] ?? 0) << 8) | (b[at + 26] ?? 0);
    const sign = b[at + 22] ?? 0;
    if (sign !== 43 && sign !== MINUS) return NO_TIME;
    if (zone !== lastZone) {
      lastZoneMinutes = two(b, at + 23) * 60 + two(b, at + 25);
      lastZone = zone;
    }
    // Twenty-eight hours are more than any zone, and NaN or letters give more.
    if (!(lastZoneMinutes < 1680)) return WRONG_TIME;
    const zoneMinutes = sign === MINUS ? -lastZoneMinutes : lastZoneMinutes;
    const time = lastDays * 86400 + hour * 3600 + minute * 60 + second - zoneMinutes * 60;
    if (!(time >= 0 && time < TIME_LIMIT)) return WRONG_TIME;
    // A leap second, or a month in another case, is not what would be written back.
    if (second === 60 || !isCanonicalMonth(month)) exact = false;
    into.time = time;
    into.zoneFrom = at + 22;
    into.zoneTo = at + 27;
    into.zoneMinutes = zoneMinutes;
    at += 28;
    if (b[at] !== SPACE || b[at + 1] !== QUOTE || at + 1 >= to) return NO_REQUEST;
    at += 2;
    into.requestFrom = at;
    for (; at < to; at++) {
      c = b[at] ?? 0;
      if (c === QUOTE) break;
      if (c === BACKSLASH) at++;
    }
    if (at >= to) return NO_REQUEST;
    into.requestTo = at;
    at++;
    if (b[at] !== SPACE || at + 4 > to) return NO_STATUS;
    const status = (b[at + 1] ?? 0) * 100 + (b[at + 2] ?? 0) * 10 + (b[at + 3] ?? 0) - ZERO * 111;
    if (!isDigit(b[at + 1]) || !isDigit(b[at + 2]) || !isDigit(b[at + 3])) return NO_STATUS;
    into.status = status;
    at += 4;
    if (b[at] !== SPACE || at + 1 >= to) return NO_SIZE;
    at++;
    let size = 0;
    if (b[at] === MINUS) {
      size = -1;
      at++;
    } else {
      const first = at;
      for (; at < to; at++) {
        const digit = (b[at] ?? 0) - ZERO;
        if (digit < 0 || digit > 9) break;
        size = size * 10 + digit;
      }
      if (at === first || at - first > 15) return NO_SIZE;
      if (at - first > 1 && b[first] === ZERO) exact = false;
    }
    if (at < to && b[at] !== SPACE && b[at] !== 13) return NO_SIZE;
    into.size = size;
    into.tailFrom = at;
    into.exact = exact;
    into.around = 0;
    if (exact && into.other === "") {
      usual.learn(b, into);
      into.requestHash = hashOf(b, into.requestFrom, into.requestTo);
    }
    return undefined;
  }

  return { format: "access", parse, quick: (b, view, from, into) => usual.read(b, view, from, into) };
}

/** More than 99 where there are no two digits. */
function two(b: Uint8Array, at: number): number {
  const high = (b[at] ?? 0) - ZERO;
  const low = (b[at + 1] ?? 0) - ZERO;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : 1e6;
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= ZERO && c <= 57;
}

const CANONICAL = new Set(
  MONTHS.map((name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2)),
);

function isCanonicalMonth(month: number): boolean {
  return CANONICAL.has(month);
}

function latin1(b: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(b[at] ?? 0);
  return text;
}
