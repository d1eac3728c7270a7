// Frames on a bare socket: four bytes of length, little-endian, then that many bytes.

import type { Socket } from "node:net";

const HEADER_BYTES = 4;

/** Below it frames are copied together, above it they are handed to the system piece by piece. */
const COPY_MOST_BYTES = 16 * 1024;

/** Takes what a socket read and calls `onFrame` with each frame that is complete. */
export function frameReader(onFrame: (frame: Uint8Array) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let gathered = 0;
  let wanted = HEADER_BYTES;
  return (chunk) => {
    parts.push(chunk);
    gathered += chunk.length;
    if (gathered < wanted) return;
    const bytes = parts.length === 1 ? chunk : Buffer.concat(parts, gathered);
    let at = 0;
    wanted = HEADER_BYTES;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at < HEADER_BYTES + length) {
        wanted = HEADER_BYTES + length;
        break;
      }
      onFrame(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
      at += HEADER_BYTES + length;
    }
    parts = at === bytes.length ? [] : [bytes.subarray(at)];
    gathered = bytes.length - at;
  };
}

/** Sends frames; those of one turn go together. */
export function frameWriter(socket: Socket): (frame: Uint8Array) => void {
  let turn: Uint8Array[] = [];
  let bytes = 0;
  const flush = () => {
    const [pieces, length] = [turn, bytes];
    turn = [];
    bytes = 0;
    if (length <= COPY_MOST_BYTES * pieces.length) {
      socket.write(Buffer.concat(pieces, length));
      return;
    }
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
  };
  return (frame) => {
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32LE(frame.byteLength);
    if (turn.length === 0) process.nextTick(flush);
    turn.push(header, frame);
    bytes += HEADER_BYTES + frame.byteLength;
  };
}
