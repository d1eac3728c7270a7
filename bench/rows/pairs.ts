// Caller and called in two processes: the two rows of the targets, and the table of sizes and calls in flight.

import { interleave } from "../harness/rounds.ts";
import type { Row } from "../harness/row.ts";
import type { Subject } from "../harness/subject.ts";
import type { Depth } from "./plans.ts";

const SMALL_BYTES = 200;
const SIZES_BYTES = [SMALL_BYTES, 10_000, 1_000_000];
const IN_FLIGHT = [1, 8, 64, 512];

/** What is under way at once in one cell is at most this; a row past it would measure the memory, not the path. */
export const UNDER_WAY_LIMIT_BYTES = 64_000_000;

export interface TableCell {
  readonly sizeBytes: number;
  readonly inFlight: number;
}

export function mainCells(): TableCell[] {
  return [
    { sizeBytes: SMALL_BYTES, inFlight: 64 },
    { sizeBytes: SMALL_BYTES, inFlight: 1 },
  ];
}

/** Every size with every number of calls in flight, as far as the limit on bytes allows. */
export function tableCells(): TableCell[] {
  return SIZES_BYTES.flatMap((sizeBytes) =>
    IN_FLIGHT.filter((inFlight) => sizeBytes * inFlight <= UNDER_WAY_LIMIT_BYTES).map((inFlight) => ({
      sizeBytes,
      inFlight,
    })),
  );
}

export async function pairRow(
  table: "pair" | "sizes",
  subjects: readonly Subject[],
  leftOut: ReadonlyMap<string, string>,
  { cell, depth }: { cell: TableCell; depth: Depth },
): Promise<Row> {
  const plan = table === "pair" ? depth.main : depth.table;
  const measured = { ...cell, sampleEvery: 1 };
  return { table, cell: measured, leftOut, outcomes: await interleave(subjects, measured, plan) };
}
