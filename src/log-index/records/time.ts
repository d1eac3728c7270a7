// Moments in logs and in questions: whole seconds since 1970, up to 2106 (32 bits).

import { Fault } from "../../base/fault.ts";

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** After the last moment that can be kept. */
export const TIME_LIMIT = 2 ** 32 - 1;

/** Days since 1970 of a date; NaN where the calendar has no such day. */
export function dayNumber(year: number, month: number, day: number): number {
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  const isThere = year >= 1970 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isThere ? ms / 86_400_000 : Number.NaN;
}

/** As access logs write it, without brackets: 17/May/2015:10:05:03. `zoneMinutes`: ahead of UTC. */
export function formatLogTime(time: number, zoneMinutes: number): string {
  const date = new Date((time + zoneMinutes * 60) * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${String(date.getUTCFullYear()).padStart(4, "0")}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** 2015-05-17T10:05:03Z */
export function formatTime(time: number): string {
  return new Date(time * 1000).toISOString().replace(".000Z", "Z");
}

/**
 * A moment as logs and JSON records have it: ISO 8601 (a zone, else UTC), an access log's, or seconds or milliseconds
 * since 1970. NaN where it is none.
 */
export function parseMoment(text: string): number {
  const log = /^\[?(\d{2})\/([A-Za-z]{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?: ([+-])(\d{2})(\d{2}))?\]?$/.exec(text);
  if (log !== null) {
    const [, day = "", month = "", year = "", hour = "", minute = "", second = "", sign, zoneHour, zoneMinute] = log;
    const at = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase()) + 1;
    const days = at === 0 ? Number.NaN : dayNumber(Number(year), at, Number(day));
    const zone = (Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0)) * (sign === "-" ? -60 : 60);
    if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return Number.NaN;
    return days * 86400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zone;
  }
  if (/^\d{9,10}(?:\.\d+)?$/.test(text)) return Math.floor(Number(text));
  if (/^\d{12,13}$/.test(text)) return Math.floor(Number(text) / 1000);
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/.exec(
    text,
  );
  if (iso === null) return Number.NaN;
  const [, year = "", month = "", day = "", hour = "0", minute = "0", second = "0", zone = "Z"] = iso;
  const days = dayNumber(Number(year), Number(month), Number(day));
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return Number.NaN;
  return days * 86400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone);
}

function zoneSeconds(zone: string): number {
  const found = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (found === null) return 0;
  return (Number(found[2]) * 3600 + Number(found[3]) * 60) * (found[1] === "-" ? -1 : 1);
}

const SPANS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86400, w: 604800 };

/** "90s", "15m", "1h", "7d" as seconds; undefined where it is no span. */
export function parseSpan(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(s|m|min|h|d|w)$/.exec(text);
  return found === null ? undefined : Math.round(Number(found[1]) * (SPANS[found[2] ?? ""] ?? 0));
}

export interface Span {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/** From two texts of a question: `to` may be "+1h" after `from`. `now` is what "now" and "-1h" count from. */
export function parseTimes(fromText: string | undefined, toText: string | undefined, now: number): Span {
  const from = fromText === undefined ? 0 : moment(fromText, now, "from");
  const after = toText?.startsWith("+") ? parseSpan(toText.slice(1)) : undefined;
  if (toText?.startsWith("+") && (after === undefined || fromText === undefined))
    throw new Fault(
      "invalid",
      `'${toText}' as the end needs a beginning and a span, as --from 2015-05-18T14:00 --to +1h`,
    );
  const to = toText === undefined ? TIME_LIMIT : after !== undefined ? from + after : moment(toText, now, "to");
  if (to < from)
    throw new Fault("invalid", `the time ends (${formatTime(to)}) before it begins (${formatTime(from)}); swap them`);
  return { from, to };
}

function moment(text: string, now: number, name: string): number {
  const back = text.startsWith("-") ? parseSpan(text.slice(1)) : undefined;
  const at = text === "now" ? now : back !== undefined ? now - back : parseMoment(text);
  if (Number.isNaN(at)) {
    const meant = name === "to" && parseSpan(text) !== undefined ? ` +${text} for so long after the beginning,` : "";
    throw new Fault(
      "invalid",
      `'${text}' for ${name} is no moment; write${meant} 2015-05-18, 2015-05-18T14:00, 2015-05-18T14:00:00+02:00, -2h or now`,
    );
  }
  return Math.max(0, Math.min(at, TIME_LIMIT));
}
