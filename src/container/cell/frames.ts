// What travels between a container and a cell, over an inherited socket: length-prefixed frames of 1 MiB at most.
//
//   u32 length · u8 kind · u16 length of head · head (JSON) · body

import { Fault } from "../../base/fault.ts";

export const FRAME_LIMIT_BYTES = 2 ** 20;

export type FrameKind = keyof typeof KINDS;
const KINDS = {
  load: 1,
  loaded: 2,
  call: 3,
  reply: 4,
  error: 5,
  cancel: 6,
  ask: 7,
  answer: 8,
  ping: 9,
  pong: 10,
  /** Of a stream, to the cell: it may produce so many more. */
  credit: 11,
  /** Of a stream, from the cell; `reply` is its end. */
  item: 12,
  /** Of a stream that the cell asked for, from the cell: it takes so many more. */
  want: 13,
  /** Of what the cell asked for, to the cell: one of several pieces; `answer` is the end. */
  part: 14,
  /** From the cell: it waits for what it asked for no more. */
  drop: 15,
} as const;
const NAMES = new Map(Object.entries(KINDS).map(([name, kind]) => [kind as number, name as FrameKind]));

export interface CellFrame {
  readonly kind: FrameKind;
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

const NOTHING = new Uint8Array();
const PREFIX_BYTES = 7;

/** Throws the Fault `invalid` where it is longer than a frame may be. */
export function encodeFrame(kind: FrameKind, head: object, body: Uint8Array = NOTHING): Uint8Array {
  const text = JSON.stringify(head);
  const textBytes = Buffer.byteLength(text);
  const length = PREFIX_BYTES - 4 + textBytes + body.length;
  if (length > FRAME_LIMIT_BYTES || textBytes > 0xffff) {
    throw new Fault("invalid", `a message of ${body.length} bytes to or from a cell; the limit is about 1 MiB`);
  }
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt8(KINDS[kind], 4);
  frame.writeUInt16BE(textBytes, 5);
  frame.write(text, PREFIX_BYTES);
  frame.set(body, PREFIX_BYTES + textBytes);
  return frame;
}

/** Bytes in, frames out. Throws the Fault `invalid` for what is no frame: then nothing that follows can be trusted. */
export class FrameSplitter {
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that make the frame under way whole, as far as is known. */
  #needed = 4;

  push(bytes: Uint8Array): readonly CellFrame[] {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    if (this.#held < this.#needed) return [];
    const all = this.#pieces.length === 1 ? asBuffer(bytes) : Buffer.concat(this.#pieces);
    const frames: CellFrame[] = [];
    let at = 0;
    this.#needed = 4;
    while (all.length - at >= 4) {
      const length = all.readUInt32BE(at);
      if (length > FRAME_LIMIT_BYTES || length < 3) throw new Fault("invalid", `a frame of ${length} bytes`);
      if (all.length - at < 4 + length) {
        this.#needed = 4 + length;
        break;
      }
      frames.push(frameOf(all.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.#pieces = at === all.length ? [] : [all.subarray(at)];
    this.#held = all.length - at;
    return frames;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function frameOf(frame: Buffer): CellFrame {
  const kind = NAMES.get(frame.readUInt8(0));
  const headEnd = 3 + frame.readUInt16BE(1);
  if (kind === undefined || headEnd > frame.length) throw new Fault("invalid", "a frame of a kind nobody knows");
  let head: unknown;
  try {
    head = JSON.parse(frame.toString("utf8", 3, headEnd));
  } catch (cause) {
    throw new Fault("invalid", "a frame whose head is no JSON", { cause });
  }
  if (typeof head !== "object" || head === null) throw new Fault("invalid", "a frame without a head");
  // Checked field by field where it is read.
  return { kind, head: head as Record<string, unknown>, body: new Uint8Array(frame.subarray(headEnd)) };
}
