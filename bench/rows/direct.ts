// Caller and called in one process: what a call costs where no byte has to travel.

import { interleave } from "../harness/rounds.ts";
import type { Row } from "../harness/row.ts";
import type { Subject } from "../harness/subject.ts";
import type { Depth } from "./plans.ts";

/** Reading the clock twice costs a tenth of such a call, so most go untimed. */
const SAMPLE_EVERY = 61;

export async function directRow(
  subjects: readonly Subject[],
  leftOut: ReadonlyMap<string, string>,
  { inFlight, depth }: { inFlight: number; depth: Depth },
): Promise<Row> {
  const cell = { sizeBytes: 200, inFlight, sampleEvery: SAMPLE_EVERY };
  return { table: "direct", cell, leftOut, outcomes: await interleave(subjects, cell, depth.main) };
}
