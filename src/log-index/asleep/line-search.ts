// Lines of one address found in a raw log by another program, where one is at hand that does it quicker.
//
// Its answer is a superset of what is asked, since an address may be spelled in several ways; every line is read again by the
// parser, so the answer is that of our own scan. Where the program fails in any way, our own scan does it.

import { asError } from "../../base/fault.ts";
import { LineReader } from "../chunk/line-reader.ts";
import type { LineParser, Parsed } from "../parsing/parsed.ts";
import type { AddressSet } from "../records/address-set.ts";
import type { RawFile } from "./raw-search.ts";

export interface LineSearch {
  /** For less, starting a program costs more than it saves. */
  readonly leastBytes: number;
  /**
   * Lines that the regular expression matches, in the order of the file, each as OFFSET:LINE and a newline. Throws where it
   * could not look at all of the file.
   */
  lines(path: string, pattern: string): AsyncIterable<Uint8Array>;
  told?(text: string): void;
}

/** Whether it is worth asking: one address, in the greater part of a long access log that is not packed. */
export function isForSearch(
  { packing, parser, from, to }: RawFile,
  start: number,
  addresses: AddressSet | undefined,
  search: LineSearch,
): addresses is AddressSet {
  if (packing !== "none" || parser.format !== "access" || addresses === undefined) return false;
  const isOne = addresses.v4Count === 1 && addresses.others.length === 0;
  return isOne && to - start >= search.leastBytes && (to - start) * 2 >= to - from;
}

const OUTSIDE = "is not of the part that is asked for";
const COLON = 58;

/** False where the program could not do it; nothing was taken then. */
export async function searchLines(
  file: RawFile,
  start: number,
  addresses: AddressSet,
  search: LineSearch,
  take: (line: Uint8Array, parsed: Parsed) => void,
): Promise<boolean> {
  const found: { readonly line: Uint8Array; readonly parsed: Parsed }[] = [];
  const reader = new LineReader(behindOffset(file.parser, start, file.to), {
    hasRoom: () => true,
    makeRoom: () => {},
    take: (bytes, from, to, parsed) =>
      found.push({ line: Buffer.from(bytes.subarray(bytes.indexOf(COLON, from) + 1, to)), parsed: { ...parsed } }),
    refuse: () => {},
    passed: () => {},
  });
  try {
    for await (const bytes of search.lines(file.path, patternOf(addresses.froms[0] ?? 0))) reader.push(bytes);
  } catch (error) {
    search.told?.(`${asError(error).message}; ${file.path} is read without it`);
    return false;
  }
  for (const { line, parsed } of found) take(line, parsed);
  return true;
}

/** Leading zeros are the same address; IPv6 has so many spellings of it that all are taken. */
function patternOf(v4: number): string {
  const parts = [v4 >>> 24, (v4 >>> 16) & 255, (v4 >>> 8) & 255, v4 & 255];
  return `^(?:${parts.map((part) => `0{0,2}${part}`).join("\\.")} |[0-9A-Fa-f.]*:)`;
}

/** Reads OFFSET:LINE, of lines that begin in the span. */
function behindOffset(parser: LineParser, start: number, end: number): LineParser {
  return {
    format: parser.format,
    parse(bytes, from, to, into) {
      let offset = 0;
      let at = from;
      for (; at < to; at++) {
        const digit = (bytes[at] ?? 0) - 48;
        if (digit < 0 || digit > 9) break;
        offset = offset * 10 + digit;
      }
      if (bytes[at] !== COLON || offset < start || offset >= end) return OUTSIDE;
      return parser.parse(bytes, at + 1, to, into);
    },
  };
}
