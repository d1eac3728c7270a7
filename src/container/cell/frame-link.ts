// Frames over a stream, either side: what one turn writes leaves in one piece.

import type { ByteStream } from "../../base/network.ts";
import { type CellFrame, encodeFrame, type FrameKind, FrameSplitter } from "./frames.ts";

export interface LinkParts {
  readonly stream: ByteStream;
  /** Runs a function once this turn's work is done. */
  readonly soon: (fire: () => void) => void;
  readonly onFrame: (frame: CellFrame) => void;
  /** What came is no frame: nothing that follows can be trusted. */
  readonly onNonsense: () => void;
}

export class FrameLink {
  readonly #parts: LinkParts;
  readonly #splitter = new FrameSplitter();
  #waiting: Uint8Array[] = [];

  constructor(parts: LinkParts) {
    this.#parts = parts;
    parts.stream.onData = (bytes) => {
      try {
        for (const frame of this.#splitter.push(bytes)) parts.onFrame(frame);
      } catch {
        parts.onNonsense();
      }
    };
  }

  /** Bytes that the other side has not taken. */
  get buffered(): number {
    return this.#parts.stream.buffered;
  }

  /** Throws the Fault `invalid` where it is longer than a frame may be. */
  send(kind: FrameKind, head: object, body?: Uint8Array): void {
    this.#waiting.push(encodeFrame(kind, head, body));
    if (this.#waiting.length === 1) this.#parts.soon(this.#flush);
  }

  readonly #flush = (): void => {
    const frames = this.#waiting;
    this.#waiting = [];
    const [only] = frames;
    if (only !== undefined) this.#parts.stream.write(frames.length === 1 ? only : Buffer.concat(frames));
  };
}
