// What a request asks for, read and checked once: by URL, or as JSON for long lists.

import { asError, Fault } from "../../base/fault.ts";
import type { Query } from "../find/query.ts";
import type { TallyWanted } from "../find/tally.ts";
import { AddressSet } from "../records/address-set.ts";
import { parseTimes, TIME_LIMIT } from "../records/time.ts";

/** Addresses of one question. */
export const ADDRESS_LIMIT = 1_000_000;

export interface UrlAsk {
  readonly query: Query;
  readonly limit: number;
}

/** What a question's URL may have. */
const PARAMETERS = ["from", "to", "ip", "limit", "format"];

/** ?from=…&to=…&ip=…&ip=…&limit=… */
export function askOfUrl(params: URLSearchParams, now: number): UrlAsk {
  const { from, to } = parseTimes(momentOf(params, "from"), momentOf(params, "to"), now);
  const ips = params.getAll("ip").flatMap((text) => text.split(",").filter((part) => part !== ""));
  const limitText = params.get("limit");
  const limit = limitText === null ? Number.POSITIVE_INFINITY : Number(limitText);
  if (limitText !== null && !/^\d+$/.test(limitText)) throw new Fault("invalid", `limit=${limitText} is no number`);
  return { query: { from, to, ...(ips.length === 0 ? {} : { addresses: addressesOf(ips) }) }, limit };
}

/** Whether a URL asks for records: with none of these it asks for contents. `invalid` where it has a parameter that there is not. */
export function isAsk(params: URLSearchParams): boolean {
  const unknown = [...params.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined)
    throw new Fault("invalid", `there is no parameter '${unknown}'; write ${PARAMETERS.join(", ")}`);
  return ["from", "to", "ip"].some((name) => params.has(name));
}

/** A plus that was not written as %2B reads as a space. */
function momentOf(params: URLSearchParams, name: string): string | undefined {
  return params.get(name)?.replace(/^ |(?<=T[\d:.]+) (?=\d\d:?\d\d$)/, "+");
}

/** `invalid` where the text is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault("invalid", `the body is no JSON: ${asError(error).message}`, { cause: error });
  }
}

export function queryOfJson(body: unknown): Query {
  const { from, to, ips } = fieldsOf(body);
  const query = { from: secondsOf(from ?? 0, "from"), to: secondsOf(to ?? TIME_LIMIT, "to") };
  if (query.to < query.from) throw new Fault("invalid", `to (${query.to}) is before from (${query.from})`);
  if (ips === undefined || ips === null) return query;
  if (!Array.isArray(ips) || !ips.every((ip) => typeof ip === "string"))
    throw new Fault("invalid", "ips is no list of texts");
  return { ...query, addresses: addressesOf(ips) };
}

export function wantedOfJson(body: unknown): TallyWanted {
  const wanted = fieldsOf(fieldsOf(body)["wanted"] ?? {});
  const bucket = wanted["bucketSeconds"];
  if (bucket !== undefined && (typeof bucket !== "number" || !(bucket >= 1)))
    throw new Fault("invalid", "bucketSeconds is no number from 1 on");
  return {
    addresses: wanted["addresses"] === true,
    sketch: wanted["sketch"] === true,
    statuses: wanted["statuses"] === true,
    ...(bucket === undefined ? {} : { bucketSeconds: bucket }),
  };
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null) throw new Fault("invalid", "the body is no JSON object");
  // An object has string keys.
  return body as Record<string, unknown>;
}

function secondsOf(value: unknown, name: string): number {
  if (typeof value !== "number" || !(value >= 0 && value <= TIME_LIMIT))
    throw new Fault("invalid", `${name} is no number of seconds since 1970`);
  return value;
}

export function addressesOf(items: readonly string[]): AddressSet {
  if (items.length > ADDRESS_LIMIT)
    throw new Fault(
      "invalid",
      `${items.length} addresses are asked for, the limit is ${ADDRESS_LIMIT}; ask for parts of them, or for blocks`,
    );
  return AddressSet.parse(items);
}
