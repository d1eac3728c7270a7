// Records on the wire as columns: what a server and a dispatcher speak, and programs that read many.
//
//   frame     kind u8, bytes of what follows u32
//   kind 1    count u32, flags u32 (1: with lines), times u32[], addresses u32[], sizes f64[], statuses u16[],
//             others: count u32, then for each its record u32, length u16, text
//             lines: ends u32[] and the bytes
//   kind 2    a gap, as JSON
//   kind 3    the end: nothing is missing behind it
//
// All numbers little-endian.

import { Fault } from "../../base/fault.ts";
import type { Batch, Part } from "../find/batch.ts";
import { type PlainRecord, plainBatch } from "../find/plain-batch.ts";
import type { Gap } from "../find/query.ts";
import { parseAddress } from "../records/address.ts";

export const COLUMNS_TYPE = "application/vnd.unum.log-columns";
const HEADER = 5;
/** A longer frame is no frame. */
const FRAME_LIMIT = 1 << 30;

export function encodeBatch(batch: Batch, withLines: boolean): Uint8Array {
  const { count } = batch;
  const others: Buffer[] = [];
  let otherCount = 0;
  const sizes = new Float64Array(count);
  const statuses = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    sizes[i] = batch.sizeOf(i);
    statuses[i] = batch.statusOf(i);
    if (!batch.isOther(i)) continue;
    const text = Buffer.from(batch.addressText(i), "utf8");
    const head = Buffer.alloc(6);
    head.writeUInt32LE(i, 0);
    head.writeUInt16LE(text.length, 4);
    others.push(head, text);
    otherCount++;
  }
  const head = Buffer.alloc(8);
  head.writeUInt32LE(count, 0);
  head.writeUInt32LE(withLines ? 1 : 0, 4);
  const othersHead = Buffer.alloc(4);
  othersHead.writeUInt32LE(otherCount, 0);
  const parts = [
    head,
    bytesOf(batch.times),
    bytesOf(batch.addresses),
    bytesOf(sizes),
    bytesOf(statuses),
    othersHead,
    ...others,
  ];
  if (withLines) parts.push(...encodedLines(batch));
  return frame(1, Buffer.concat(parts));
}

function encodedLines(batch: Batch): Uint8Array[] {
  const ends = new Uint32Array(batch.count);
  const lines: Uint8Array[] = [];
  let end = 0;
  for (let i = 0; i < batch.count; i++) {
    const line = batch.line(i);
    lines.push(line);
    end += line.length;
    ends[i] = end;
  }
  return [bytesOf(ends), ...lines];
}

export function encodeGap(gap: Gap): Uint8Array {
  return frame(2, Buffer.from(JSON.stringify(gap), "utf8"));
}

export function encodeEnd(): Uint8Array {
  return frame(3, new Uint8Array(0));
}

function frame(kind: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, body.length, true);
  bytes.set(body, HEADER);
  return bytes;
}

function bytesOf(array: Uint32Array | Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Parts as they arrive. `invalid` where the bytes are no frames, `unknown` where they stop before the end was told. */
export async function* decodeFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  let held = Buffer.alloc(0);
  for await (const part of bytes) {
    held = held.length === 0 ? Buffer.from(part) : Buffer.concat([held, part]);
    for (;;) {
      if (held.length < HEADER) break;
      const length = held.readUInt32LE(1);
      if (length > FRAME_LIMIT) throw new Fault("invalid", `a frame of ${length} bytes is none`);
      if (held.length < HEADER + length) break;
      const frame = held.subarray(0, HEADER + length);
      held = held.subarray(HEADER + length);
      if (frame[0] === 3) return;
      yield decodeFrame(frame);
    }
  }
  throw new Fault("unknown", "the answer stopped before its end");
}

/** One whole frame that is not the end. */
export function decodeFrame(bytes: Uint8Array): Part {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const [kind] = frame;
  const body = frame.subarray(HEADER);
  // What is JSON here was encoded by encodeGap.
  if (kind === 2) return { gap: JSON.parse(body.toString("utf8")) as Gap };
  if (kind === 1) return { batch: decodeBatch(body) };
  throw new Fault("invalid", `a frame of kind ${kind} is none`);
}

function decodeBatch(body: Buffer): Batch {
  const count = body.readUInt32LE(0);
  const withLines = body.readUInt32LE(4) === 1;
  let at = 8;
  const column = (width: number): number => {
    const from = at;
    at += width * count;
    return from;
  };
  const times = column(4);
  const addresses = column(4);
  const sizes = column(8);
  const statuses = column(2);
  const others = new Map<number, string>();
  const otherCount = body.readUInt32LE(at);
  at += 4;
  for (let i = 0; i < otherCount; i++) {
    const length = body.readUInt16LE(at + 4);
    others.set(body.readUInt32LE(at), body.toString("utf8", at + 6, at + 6 + length));
    at += 6 + length;
  }
  const ends = at;
  const bytes = at + count * 4;
  const records: PlainRecord[] = [];
  for (let i = 0; i < count; i++) {
    const other = others.get(i);
    const from = i === 0 || !withLines ? 0 : body.readUInt32LE(ends + (i - 1) * 4);
    records.push({
      time: body.readUInt32LE(times + i * 4),
      v4: body.readUInt32LE(addresses + i * 4),
      other: other === undefined ? "" : (parseAddress(other)?.other ?? `h:${other}`),
      status: body.readUInt16LE(statuses + i * 2),
      size: body.readDoubleLE(sizes + i * 8),
      line: withLines
        ? Buffer.from(body.subarray(bytes + from, bytes + body.readUInt32LE(ends + i * 4)))
        : new Uint8Array(0),
    });
  }
  return plainBatch(records);
}
