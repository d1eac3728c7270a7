// The oracle of the log index: every line read one by one with a regular expression, nothing remembered, nothing skipped.

import type { Part } from "../../src/log-index/find/batch.ts";
import type { Index } from "../../src/log-index/find/index.ts";
import type { Gap, Query } from "../../src/log-index/find/query.ts";
import { type Address, parseAddress } from "../../src/log-index/records/address.ts";

const LINE =
  /^(\S+) [^[]*\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-)(?: .*)?$/s;
const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

interface Read {
  readonly time: number;
  readonly address: Address;
}

export function readPlainly(line: string): Read | undefined {
  const found = LINE.exec(line.replace(/\r$/, ""));
  if (found === null) return undefined;
  const [, text = "", day, month = "", year, hour, minute, second, sign, zoneHour, zoneMinute] = found;
  const address = parseAddress(text);
  const at = MONTHS.indexOf(month.toLowerCase()) / 3;
  const date = new Date(Date.UTC(Number(year), at, Number(day)));
  if (address === undefined || !Number.isInteger(at) || at < 0 || date.getUTCDate() !== Number(day)) return undefined;
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === "-" ? -60 : 60);
  const time = date.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zone;
  const isRight = Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60 && time >= 0 && time < 2 ** 32 - 1;
  return isRight ? { time, address } : undefined;
}

/** Lines that the question is about, by time and as they stood. */
export function scanPlainly(lines: readonly string[], { from, to, addresses }: Query): string[] {
  return lines
    .map((line) => ({ line, read: readPlainly(line) }))
    .filter(({ read }) => {
      if (read === undefined || read.time < from || read.time >= to) return false;
      const { v4, other } = read.address;
      return addresses === undefined || (other === "" ? addresses.hasV4(v4) : addresses.hasOther(other));
    })
    .sort((a, b) => (a.read?.time ?? 0) - (b.read?.time ?? 0))
    .map(({ line }) => line);
}

export interface Answer {
  readonly lines: readonly string[];
  readonly gaps: readonly Gap[];
}

export async function answerOf(parts: AsyncIterable<Part>): Promise<Answer> {
  const lines: string[] = [];
  const gaps: Gap[] = [];
  for await (const part of parts) {
    if ("gap" in part) gaps.push(part.gap);
    else for (let i = 0; i < part.batch.count; i++) lines.push(Buffer.from(part.batch.line(i)).toString("latin1"));
  }
  return { lines, gaps };
}

export function ask(index: Index, query: Query): Promise<Answer> {
  return answerOf(index.find(query));
}

export const ALWAYS: Query = { from: 0, to: 2 ** 32 - 1 };
