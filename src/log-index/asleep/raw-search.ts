// Answers from a raw log file without an index: by halving where its time begins, then line by line.
//
// Lines need not be in order. `latenessSeconds` says how much older than the newest before it a line may be: what is
// skipped at the beginning and at the end is skipped only where no line so late can be in it.
//
//   A line at an offset with time t says: all before it are at most t + lateness old, all after it at least t - lateness.

import { closeSync, openSync, readSync } from "node:fs";
import { LineReader } from "../chunk/line-reader.ts";
import { contentOf, type Packing } from "../chunk/source-file.ts";
import type { PlainRecord } from "../find/plain-batch.ts";
import type { Query } from "../find/query.ts";
import { type LineParser, newParsed, type Parsed } from "../parsing/parsed.ts";
import { onlyOf } from "./address-filter.ts";
import { isForSearch, type LineSearch, searchLines } from "./line-search.ts";

export interface RawFile {
  readonly path: string;
  readonly packing: Packing;
  readonly parser: LineParser;
  /** Content that counts, unpacked: from here to before there. */
  readonly from: number;
  readonly to: number;
  readonly latenessSeconds: number;
  /** Whether what stands after the last newline is a line too. */
  readonly endsWhole: boolean;
}

/** Read to find a line in; more where a line is longer. */
const PROBE_BYTES = 4 << 10;
const PROBE_LIMIT = 4 << 20;
/** Less is not worth another halving. */
const LEAST_BYTES = 16 << 10;

/** In the order of the file. */
export async function searchRaw(
  file: RawFile,
  query: Query,
  found: (record: PlainRecord) => void,
  search?: LineSearch,
): Promise<void> {
  const start = file.packing === "none" ? startOf(file, query.from) : file.from;
  const { addresses } = query;
  if (search !== undefined && isForSearch(file, start, addresses, search)) {
    const take = (line: Uint8Array, parsed: Parsed) => {
      const isIn = parsed.time >= query.from && parsed.time < query.to;
      if (isIn && parsed.other === "" && addresses.hasV4(parsed.address)) found(recordOf(line, parsed));
    };
    if (await searchLines(file, start, addresses, search, take)) return;
  }
  const stopAt = query.to + file.latenessSeconds;
  let isPast = false;
  const isFiltered = addresses !== undefined && file.parser.format === "access";
  const reader = new LineReader(isFiltered ? onlyOf(file.parser, addresses) : file.parser, {
    hasRoom: () => true,
    makeRoom: () => {},
    take: (bytes, from, to, parsed) => {
      const { time } = parsed;
      if (time >= stopAt) isPast = true;
      if (time < query.from || time >= query.to || isPast) return;
      const isAsked =
        addresses === undefined ||
        (parsed.other === "" ? addresses.hasV4(parsed.address) : addresses.hasOther(parsed.other));
      if (!isAsked) return;
      found(recordOf(Buffer.from(bytes.subarray(from, to)), parsed));
    },
    refuse: () => {},
    passed: () => {},
  });
  for await (const bytes of contentOf(file.path, file.packing, start, file.to - start)) {
    reader.push(bytes);
    if (isPast) return;
  }
  if (file.endsWhole) reader.end();
}

function recordOf(line: Uint8Array, { time, address, other, status, size }: Parsed): PlainRecord {
  return { time, v4: other === "" ? address : 0, other, status, size, line };
}

/** An offset at the beginning of a line, with all lines before it earlier than `time`. */
export function startOf({ path, parser, from, to, latenessSeconds }: RawFile, time: number): number {
  const fd = openSync(path, "r");
  try {
    let low = from;
    let high = to;
    while (high - low > LEAST_BYTES) {
      const middle = Math.floor((low + high) / 2);
      const line = lineAfter(fd, parser, middle, high);
      if (line !== undefined && line.time < time - latenessSeconds) low = line.at;
      else high = middle;
    }
    return low;
  } finally {
    closeSync(fd);
  }
}

interface FoundLine {
  readonly at: number;
  readonly time: number;
}

/** The first line that begins after the offset and can be read. */
function lineAfter(
  fd: number,
  parser: LineParser,
  offset: number,
  limit: number,
  probe = PROBE_BYTES,
): FoundLine | undefined {
  const bytes = Buffer.allocUnsafe(Math.min(probe, limit - offset));
  const length = readSync(fd, bytes, 0, bytes.length, offset);
  const parsed = newParsed();
  let from = bytes.indexOf(10) + 1;
  while (from > 0 && from < length) {
    const end = bytes.indexOf(10, from);
    if (end < 0 || end >= length) break;
    if (parser.parse(bytes, from, end, parsed) === undefined) return { at: offset + from, time: parsed.time };
    from = end + 1;
  }
  const isAll = length < probe || probe >= PROBE_LIMIT;
  return isAll ? undefined : lineAfter(fd, parser, offset, limit, probe * 16);
}
