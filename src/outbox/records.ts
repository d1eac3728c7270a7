// What a spool's segments consist of: records with a length and a checksum, so that a torn end, or a flipped bit, is seen.
//
//   u32 length · u32 CRC-32 of what follows · u8 kind · the kind's fields, numbers as f64, texts with a u16 length before them
//
// Hot path (bench/outbox.ts): written by hand, since the message in it is copied once and never looked into.

import { crc32 } from "node:zlib";

/** One begins each segment. */
export interface Head {
  readonly kind: "head";
  /** The highest sequence ever given. */
  readonly sequence: number;
  /** Names this spool's sequences. */
  readonly id: string;
  /** Names the numbering of whoever numbers the messages. */
  readonly stream: string;
  /** The highest of its numbers that is here, or was. */
  readonly mark: number;
  /** When it was written, in ms since 1970. */
  readonly wallMs: number;
  /** Segments before this one are over, whether or not their files are still there. */
  readonly first: number;
}

export interface Put {
  readonly kind: "put";
  readonly sequence: number;
  readonly mark: number;
  /** In ms since 1970; infinite where it does not expire. */
  readonly expiresWallMs: number;
  readonly lane: string;
  readonly key: string;
  /** Where it is in the segment. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Gone {
  readonly kind: "gone";
  readonly sequences: readonly number[];
}

export type Record = Head | Put | Gone;

const KINDS = { head: 1, put: 2, gone: 3 } as const;
const PREFIX_BYTES = 8;
const VERSION = 1;

export function encodeHead({ sequence, id, stream, mark, wallMs, first }: Omit<Head, "kind">): Buffer {
  const record = framed(2 + 8 * 4 + textBytes(id) + textBytes(stream));
  let at = record.writeUInt8(KINDS.head, PREFIX_BYTES);
  at = record.writeUInt8(VERSION, at);
  for (const number of [sequence, mark, wallMs, first]) at = record.writeDoubleBE(number, at);
  at = writeText(record, id, at);
  writeText(record, stream, at);
  return sealed(record);
}

/** `offset`: where its message begins in it. */
export function encodePut(
  put: Omit<Put, "kind" | "offset" | "bytes">,
  message: Uint8Array,
): { record: Buffer; offset: number } {
  const record = framed(1 + 8 * 3 + textBytes(put.lane) + textBytes(put.key) + message.length);
  let at = record.writeUInt8(KINDS.put, PREFIX_BYTES);
  at = record.writeDoubleBE(put.sequence, at);
  at = record.writeDoubleBE(put.mark, at);
  at = record.writeDoubleBE(put.expiresWallMs, at);
  at = writeText(record, put.lane, at);
  at = writeText(record, put.key, at);
  record.set(message, at);
  return { record: sealed(record), offset: at };
}

export function encodeGone(sequences: readonly number[]): Buffer {
  const record = framed(1 + 8 * sequences.length);
  let at = record.writeUInt8(KINDS.gone, PREFIX_BYTES);
  for (const sequence of sequences) at = record.writeDoubleBE(sequence, at);
  return sealed(record);
}

/** All whole records from the beginning. `end`: where the first begins that is not; the length where all are. */
export function decodeRecords(segment: Uint8Array): { readonly records: readonly Record[]; readonly end: number } {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength);
  const records: Record[] = [];
  let at = 0;
  while (bytes.length - at > PREFIX_BYTES) {
    const length = bytes.readUInt32BE(at);
    const end = at + PREFIX_BYTES + length;
    if (length === 0 || end > bytes.length) break;
    if (crc32(bytes.subarray(at + PREFIX_BYTES, end)) !== bytes.readUInt32BE(at + 4)) break;
    const record = decodeRecord(bytes, at + PREFIX_BYTES, end);
    if (record === undefined) break;
    records.push(record);
    at = end;
  }
  return { records, end: at };
}

/** Its checksum was right: what it says was written here. Undefined for what a later version wrote. */
function decodeRecord(bytes: Buffer, from: number, end: number): Record | undefined {
  const kind = bytes.readUInt8(from);
  let at = from + 1;
  const number = () => {
    at += 8;
    return bytes.readDoubleBE(at - 8);
  };
  const text = () => {
    const length = bytes.readUInt16BE(at);
    at += 2 + length;
    return bytes.toString("utf8", at - length, at);
  };
  if (kind === KINDS.put) {
    const [sequence, mark, expiresWallMs, lane, key] = [number(), number(), number(), text(), text()];
    return { kind: "put", sequence, mark, expiresWallMs, lane, key, offset: at, bytes: end - at };
  }
  if (kind === KINDS.gone) {
    const sequences: number[] = [];
    while (at < end) sequences.push(number());
    return { kind: "gone", sequences };
  }
  if (kind !== KINDS.head || bytes.readUInt8(at++) !== VERSION) return undefined;
  const [sequence, mark, wallMs, first, id, stream] = [number(), number(), number(), number(), text(), text()];
  return { kind: "head", sequence, mark, wallMs, first, id, stream };
}

function framed(length: number): Buffer {
  const record = Buffer.allocUnsafe(PREFIX_BYTES + length);
  record.writeUInt32BE(length, 0);
  return record;
}

function sealed(record: Buffer): Buffer {
  record.writeUInt32BE(crc32(record.subarray(PREFIX_BYTES)), 4);
  return record;
}

function textBytes(text: string): number {
  return 2 + Buffer.byteLength(text);
}

function writeText(record: Buffer, text: string, at: number): number {
  const length = record.write(text, at + 2);
  record.writeUInt16BE(length, at);
  return at + 2 + length;
}
