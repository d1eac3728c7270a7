// An answer as bytes on the wire: NDJSON, CSV, lines as they were, or columns. Streamed: nothing waits for the whole.
//
// Every format tells what is missing: NDJSON and columns as their last parts, CSV and lines in a comment.

import { type Part, recordOf } from "../find/batch.ts";
import type { Gap } from "../find/query.ts";
import { formatTime } from "../records/time.ts";
import { COLUMNS_TYPE, encodeBatch, encodeEnd, encodeGap } from "./columns.ts";

export type Format = "ndjson" | "csv" | "raw" | "columns";

export const TYPES: Readonly<Record<Format, string>> = {
  ndjson: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
  raw: "text/plain; charset=utf-8",
  columns: COLUMNS_TYPE,
};

export const CSV_TITLES = "time,address,status,size,line";

export function csvRow(record: { time: number; address: string; status: number; size: number; line: string }): string {
  const { time, address, status, size, line } = record;
  return [formatTime(time), address, status === 0 ? "" : status, size < 0 ? "" : size, csvCell(line)].join(",");
}

/** RFC 4180; what a spreadsheet would take for a formula begins with an apostrophe. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function jsonRecord(record: {
  time: number;
  address: string;
  status: number;
  size: number;
  line: string;
}): object {
  const { time, address, status, size, line } = record;
  return {
    time: formatTime(time),
    address,
    ...(status === 0 ? {} : { status }),
    ...(size < 0 ? {} : { size }),
    line,
  };
}

export function gapText({ where, from, to, why }: Gap): string {
  return `missing: ${where}, ${formatTime(from)} to ${formatTime(Math.min(to, 2 ** 32 - 1))}: ${why}`;
}

/** At most `limit` records. */
export async function* encodedAnswer(
  parts: AsyncIterable<Part>,
  format: Format,
  limit: number,
): AsyncGenerator<Uint8Array> {
  let left = limit;
  const gaps: Gap[] = [];
  if (format === "csv") yield Buffer.from(`${CSV_TITLES}\n`);
  for await (const part of parts) {
    if ("gap" in part) {
      gaps.push(part.gap);
      if (format === "columns") yield encodeGap(part.gap);
      continue;
    }
    const { batch } = part;
    if (format === "columns" && batch.count <= left) yield encodeBatch(batch, true);
    else yield textOf(batch, Math.min(left, batch.count), format);
    left -= batch.count;
    if (left <= 0) break;
  }
  if (format === "columns") yield encodeEnd();
  else if (format === "ndjson") yield Buffer.from(`${JSON.stringify({ end: true, gaps })}\n`);
  else if (gaps.length > 0) yield Buffer.from(gaps.map((gap) => `# ${gapText(gap)}\n`).join(""));
}

function textOf(batch: Extract<Part, { batch: unknown }>["batch"], count: number, format: Format): Uint8Array {
  if (format === "raw") {
    const newline = Buffer.from("\n");
    return Buffer.concat(Array.from({ length: count }, (_, i) => [batch.line(i), newline]).flat());
  }
  let text = "";
  for (let i = 0; i < count; i++) {
    const record = recordOf(batch, i);
    text += format === "csv" ? `${csvRow(record)}\n` : `${JSON.stringify(jsonRecord(record))}\n`;
  }
  return Buffer.from(text, "utf8");
}
