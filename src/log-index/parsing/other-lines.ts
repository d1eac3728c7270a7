// Lines of other shapes: one JSON object a line, and patterns that the user gives. They are kept whole.

import { Fault } from "../../base/fault.ts";
import { parseAddress } from "../records/address.ts";
import { parseMoment, TIME_LIMIT } from "../records/time.ts";
import type { LineParser, Parsed } from "./parsed.ts";

const TIME_NAMES = ["time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "date", "msec"];
const ADDRESS_NAMES = [
  ...["remote_addr", "ip", "address", "client_ip", "clientip", "client", "remote_ip", "remoteAddr", "host", "addr"],
];

/** nginx with escape=json, Caddy, and others: the names most in use are tried in turn. */
export function jsonLineParser(): LineParser {
  return {
    format: "json",
    parse(bytes, from, to, into) {
      const object = jsonObject(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8"));
      if (object === undefined) return "is no JSON object";
      // Caddy keeps the request apart.
      const inner = object["request"];
      const all = typeof inner === "object" && inner !== null ? { ...object, ...inner } : object;
      return fill(into, {
        address: firstOf(all, ADDRESS_NAMES),
        time: firstOf(all, TIME_NAMES),
        status: firstOf(all, ["status", "code"]),
        size: firstOf(all, ["body_bytes_sent", "bytes_sent", "bytes", "size"]),
      });
    },
  };
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // An object that JSON.parse made has string keys.
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function firstOf(object: Readonly<Record<string, unknown>>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = object[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return undefined;
}

/** `pattern`: a regular expression with the named groups address and time, and perhaps status and size. */
export function patternParser(pattern: string): LineParser {
  const regex = compiled(pattern);
  return {
    format: `pattern:${pattern}`,
    parse(bytes, from, to, into) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8");
      const groups = regex.exec(text)?.groups;
      if (groups === undefined) return "does not fit the pattern";
      const { address, time, status, size } = groups;
      return fill(into, { address, time, status, size });
    },
  };
}

function compiled(pattern: string): RegExp {
  for (const name of ["address", "time"]) {
    if (!pattern.includes(`(?<${name}>`))
      throw new Fault(
        "invalid",
        `the pattern '${pattern}' has no group (?<${name}>…); write it as ^(?<address>\\S+) .*\\[(?<time>[^\\]]+)\\]`,
      );
  }
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new Fault(
      "invalid",
      `'${pattern}' is no regular expression: ${error instanceof Error ? error.message : error}`,
    );
  }
}

interface Texts {
  readonly address: string | undefined;
  readonly time: string | undefined;
  readonly status: string | undefined;
  readonly size: string | undefined;
}

function fill(into: Parsed, { address, time, status, size }: Texts): string | undefined {
  // Servers add the port of the client: 10.0.0.1:5123, [::1]:5123.
  const bare = address?.replace(/^\[([^\]]+)\](?::\d+)?$/, "$1").replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
  const found = bare === undefined ? undefined : parseAddress(bare);
  if (found === undefined)
    return address === undefined ? "has no address" : `has the address '${shown(address)}', which is none`;
  const at = time === undefined ? Number.NaN : parseMoment(time);
  if (!(at >= 0 && at < TIME_LIMIT))
    return time === undefined ? "has no time" : `has the time '${shown(time)}', which is none`;
  into.time = at;
  into.address = found.v4;
  into.other = found.other;
  into.exact = false;
  into.status = status !== undefined && /^\d{3}$/.test(status) ? Number(status) : 0;
  into.size = size !== undefined && /^\d{1,15}$/.test(size) ? Number(size) : -1;
  return undefined;
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
