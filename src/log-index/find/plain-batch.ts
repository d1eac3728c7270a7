// A batch of records that lie in memory one by one: from raw files, and from other servers.

import { formatIpv4, formatOther } from "../records/address.ts";
import type { Batch } from "./batch.ts";

export interface PlainRecord {
  readonly time: number;
  readonly v4: number;
  readonly other: string;
  readonly status: number;
  readonly size: number;
  readonly line: Uint8Array;
}

export function plainBatch(records: readonly PlainRecord[]): Batch {
  const at = (i: number): PlainRecord => {
    const record = records[i];
    if (record === undefined) throw new RangeError(`record ${i} of ${records.length}`);
    return record;
  };
  return {
    count: records.length,
    times: Uint32Array.from(records, ({ time }) => time),
    addresses: Uint32Array.from(records, ({ v4 }) => v4),
    isOther: (i) => at(i).other !== "",
    addressText: (i) => (at(i).other === "" ? formatIpv4(at(i).v4) : formatOther(at(i).other)),
    statusOf: (i) => at(i).status,
    sizeOf: (i) => at(i).size,
    line: (i) => at(i).line,
  };
}

/** The i-th record of a batch, to be kept when the batch is gone. */
export function plainRecord(batch: Batch, i: number, other: string): PlainRecord {
  return {
    time: batch.times[i] ?? 0,
    v4: batch.addresses[i] ?? 0,
    other,
    status: batch.statusOf(i),
    size: batch.sizeOf(i),
    line: batch.line(i),
  };
}
