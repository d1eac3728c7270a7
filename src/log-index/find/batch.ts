// Records as an answer brings them: many at a time, in order of time.

import type { Gap } from "./query.ts";

/** One record, for whoever wants to read it. */
export interface LogRecord {
  /** Seconds since 1970. */
  readonly time: number;
  readonly address: string;
  /** 0 where the line has none. */
  readonly status: number;
  /** Bytes of the answer; -1 where the line has none. */
  readonly size: number;
  /** The whole line, without its end; what is no UTF-8 in it is replaced. */
  readonly line: string;
}

export interface Batch {
  readonly count: number;
  readonly times: Uint32Array;
  /** IPv4 addresses; without meaning where `isOther`. */
  readonly addresses: Uint32Array;
  isOther(i: number): boolean;
  addressText(i: number): string;
  statusOf(i: number): number;
  sizeOf(i: number): number;
  /** The line as it was read, byte by byte. */
  line(i: number): Uint8Array;
}

export type Part = { readonly batch: Batch } | { readonly gap: Gap };

export function recordOf(batch: Batch, i: number): LogRecord {
  return {
    time: batch.times[i] ?? 0,
    address: batch.addressText(i),
    status: batch.statusOf(i),
    size: batch.sizeOf(i),
    line: Buffer.from(batch.line(i)).toString("utf8"),
  };
}

export function* recordsOf(batch: Batch): Generator<LogRecord> {
  for (let i = 0; i < batch.count; i++) yield recordOf(batch, i);
}

/** Records [from, to) of a batch, as a batch; `to` may be beyond its end. */
export function sliceOf(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to >= batch.count) return batch;
  const times = batch.times.subarray(from, Math.min(to, batch.count));
  return {
    count: times.length,
    times,
    addresses: batch.addresses.subarray(from, Math.min(to, batch.count)),
    isOther: (i) => batch.isOther(from + i),
    addressText: (i) => batch.addressText(from + i),
    statusOf: (i) => batch.statusOf(from + i),
    sizeOf: (i) => batch.sizeOf(from + i),
    line: (i) => batch.line(from + i),
  };
}
