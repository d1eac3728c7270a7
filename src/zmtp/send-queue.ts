// Messages that wait for a connection or for room in it, first in, first out, up to the high-water mark.

import { ZmtpFault } from "./zmtp-fault.ts";

export interface HighWaterMark {
  readonly messages: number;
  readonly bytes: number;
}

export const DEFAULT_HIGH_WATER_MARK: HighWaterMark = { messages: 1_000, bytes: 32 * 1024 * 1024 };

interface Sink {
  readonly writable: boolean;
  send(parts: readonly Uint8Array[]): void;
}

export class SendQueue {
  readonly #mark: HighWaterMark;
  #waiting: (readonly Uint8Array[])[] = [];
  #first = 0;
  #bytes = 0;
  #refusedOne = false;

  constructor(mark: HighWaterMark) {
    this.#mark = mark;
  }

  get messages(): number {
    return this.#waiting.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing taken, past the mark. One message is always taken by an empty queue, however large. */
  push(parts: readonly Uint8Array[]): boolean {
    if (parts.length === 0)
      throw new ZmtpFault("malformed", "a message without parts, expected at least one, which may be empty");
    let size = 0;
    for (const part of parts) size += part.length;
    const full = this.messages >= this.#mark.messages || (this.messages > 0 && this.#bytes + size > this.#mark.bytes);
    if (full) {
      this.#refusedOne = true;
      return false;
    }
    this.#waiting.push(parts);
    this.#bytes += size;
    return true;
  }

  /** Hands on what `next` has room for. Answers whether somebody who was refused may now try again. */
  drain(next: () => Sink | undefined): boolean {
    for (let sink = next(); sink !== undefined && this.messages > 0; sink = next()) sink.send(this.#shift());
    const again = this.#refusedOne && this.messages <= this.#mark.messages / 2 && this.#bytes <= this.#mark.bytes / 2;
    if (again) this.#refusedOne = false;
    return again;
  }

  #shift(): readonly Uint8Array[] {
    // Only called while messages wait.
    const parts = this.#waiting[this.#first++] as readonly Uint8Array[];
    for (const part of parts) this.#bytes -= part.length;
    // What was handed on is let go in one piece, so a shift costs the same in a long queue as in a short one.
    if (this.#first === this.#waiting.length || this.#first >= 1024) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return parts;
  }
}
