// Answers of several indexes put together by time: each is in order, and so is what comes out.

import { parseAddress } from "../records/address.ts";
import type { Batch, Part } from "./batch.ts";
import { type PlainRecord, plainBatch, plainRecord } from "./plain-batch.ts";

const BATCH_RECORDS = 4096;

interface Head {
  readonly parts: AsyncIterator<Part>;
  readonly rank: number;
  batch: Batch;
  at: number;
}

/** Among those of one second, those of an earlier answer come first. Gaps are handed on as they come. */
export async function* mergedParts(answers: readonly AsyncIterable<Part>[]): AsyncGenerator<Part> {
  const iterators = answers.map((answer) => answer[Symbol.asyncIterator]());
  const gaps: Part[] = [];
  const advance = async (head: { parts: AsyncIterator<Part>; rank: number }): Promise<Head | undefined> => {
    for (;;) {
      const { done, value } = await head.parts.next();
      if (done === true) return undefined;
      if ("gap" in value) gaps.push(value);
      else if (value.batch.count > 0) return { ...head, batch: value.batch, at: 0 };
    }
  };
  try {
    const started = await Promise.all(iterators.map((parts, rank) => advance({ parts, rank })));
    let heads = started.filter((head) => head !== undefined);
    while (heads.length > 0) {
      yield* gaps.splice(0);
      const [first] = heads.sort((a, b) => timeOf(a) - timeOf(b) || a.rank - b.rank);
      if (first === undefined) break;
      const others = heads.filter((head) => head !== first);
      const until = Math.min(...others.map(timeOf));
      const last = first.batch.times[first.batch.count - 1] ?? 0;
      if (first.at === 0 && last < until) {
        // Nothing of the others lies within it.
        yield { batch: first.batch };
        first.at = first.batch.count;
      } else yield { batch: taken(heads) };
      const next = await Promise.all(heads.map(async (head) => (head.at < head.batch.count ? head : advance(head))));
      heads = next.filter((head) => head !== undefined);
    }
    yield* gaps.splice(0);
  } finally {
    await Promise.all(iterators.map((parts) => parts.return?.()));
  }
}

function timeOf({ batch, at }: Head): number {
  return batch.times[at] ?? Number.POSITIVE_INFINITY;
}

/** Records in order, until a batch is through or there are enough. */
function taken(heads: readonly Head[]): Batch {
  const records: PlainRecord[] = [];
  while (records.length < BATCH_RECORDS) {
    let best: Head | undefined;
    for (const head of heads) {
      if (best === undefined || timeOf(head) < timeOf(best) || (timeOf(head) === timeOf(best) && head.rank < best.rank))
        best = head;
    }
    if (best === undefined) break;
    const other = best.batch.isOther(best.at) ? (parseAddress(best.batch.addressText(best.at))?.other ?? "") : "";
    records.push(plainRecord(best.batch, best.at, other));
    best.at++;
    // Its next batch may come before what the others have.
    if (best.at === best.batch.count) break;
  }
  return plainBatch(records);
}
