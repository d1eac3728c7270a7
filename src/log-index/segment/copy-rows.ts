// Rows of a segment as lines with what a parser would find in them: so segments are joined without their raw files.

import { newParsed, type Parsed } from "../parsing/parsed.ts";
import { ODD, OTHER, shapeOf } from "./row.ts";
import type { Segment } from "./segment.ts";

const READ_ROWS = 4096;

/** In order of time. The line and what was found are to be used before the next is asked for. */
export function* linesOf(segment: Segment): Generator<{ readonly line: Buffer; readonly parsed: Parsed }> {
  const cells = new Uint16Array(READ_ROWS * 5);
  const times = new Uint32Array(READ_ROWS);
  const parsed = newParsed();
  for (let from = 0; from < segment.rows; from += READ_ROWS) {
    const to = Math.min(from + READ_ROWS, segment.rows);
    segment.readRows(from, to, cells);
    segment.times.decode(from, to, times, 0);
    for (let row = from, at = 0; row < to; row++, at += 5) {
      const address = ((cells[at] ?? 0) | ((cells[at + 1] ?? 0) << 16)) >>> 0;
      const low = ((cells[at + 2] ?? 0) | ((cells[at + 3] ?? 0) << 16)) >>> 0;
      const high = cells[at + 4] ?? 0;
      parsed.time = times[row - from] ?? 0;
      parsed.address = address;
      parsed.other = (low & OTHER) === 0 ? "" : (segment.others.keys[address] ?? "");
      parsed.exact = (low & ODD) === 0;
      parsed.status = segment.statusOf(low);
      parsed.size = segment.sizeOf(low, high);
      const line = segment.line(row, parsed.time, address, low, high);
      if (parsed.exact) place(parsed, segment, address, low);
      yield { line, parsed };
    }
  }
}

/** Where the parts of a line that was put together stand. */
function place(parsed: Parsed, segment: Segment, address: number, low: number): void {
  const shape = segment.shapes[shapeOf(low)];
  if (shape === undefined) return;
  const request = segment.strings.at(low & 0xfffff).length;
  parsed.headFrom = segment.addressText(address, low).length;
  parsed.headTo = parsed.headFrom + shape.head.length;
  // "[17/May/2015:10:05:03 "
  parsed.zoneFrom = parsed.headTo + 22;
  parsed.zoneTo = parsed.zoneFrom + shape.zone.length;
  parsed.zoneMinutes = shape.zoneMinutes;
  parsed.requestFrom = parsed.zoneTo + 3;
  parsed.requestTo = parsed.requestFrom + request;
  const size = parsed.size < 0 ? 1 : String(parsed.size).length;
  parsed.tailFrom = parsed.requestTo + 6 + size;
}
