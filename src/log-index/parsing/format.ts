// Which parser reads a log: the one named, or the one that reads most of its first lines.

import { Fault } from "../../base/fault.ts";
import { accessLineParser } from "./access-line.ts";
import { jsonLineParser, patternParser } from "./other-lines.ts";
import { type LineParser, newParsed } from "./parsed.ts";

/** Lines looked at. */
const SAMPLE = 200;

/** `auto`: by the sample; undefined where no parser reads as much as a tenth of it. */
export function parserFor(format: string, sample: Uint8Array): LineParser | undefined {
  if (format !== "auto") return namedParser(format);
  const lines = linesOf(sample);
  const parsers = [accessLineParser(), jsonLineParser()];
  const read = parsers.map((parser) => lines.filter(([from, to]) => reads(parser, sample, from, to)).length);
  const most = Math.max(...read);
  return most === 0 || most * 10 < lines.length ? undefined : parsers[read.indexOf(most)];
}

/** `invalid` where there is no such format. */
export function namedParser(format: string): LineParser {
  if (["access", "common", "combined", "apache", "nginx"].includes(format)) return accessLineParser();
  if (format === "json") return jsonLineParser();
  if (format.startsWith("pattern:")) return patternParser(format.slice("pattern:".length));
  throw new Fault(
    "invalid",
    `there is no format '${format}'; write auto, common, combined, json or 'pattern:REGULAR-EXPRESSION' with the groups address and time`,
  );
}

function reads(parser: LineParser, bytes: Uint8Array, from: number, to: number): boolean {
  return parser.parse(bytes, from, to, newParsed()) === undefined;
}

function linesOf(bytes: Uint8Array): [from: number, to: number][] {
  const lines: [number, number][] = [];
  let from = 0;
  while (from < bytes.length && lines.length < SAMPLE) {
    const found = bytes.indexOf(10, from);
    const to = found < 0 ? bytes.length : found;
    // The last one may have been cut by whoever took the sample.
    if (to > from && (found >= 0 || lines.length === 0)) lines.push([from, to]);
    from = to + 1;
  }
  return lines;
}
