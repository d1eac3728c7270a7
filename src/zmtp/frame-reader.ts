// Bytes in, messages and commands out, however the bytes are cut.
//
// Hot path (bench/zmtp-loopback.ts). A plain parser is the oracle in frame-reader.test.ts.
//
//   flags │ length, 1 byte or 8 │ body          flags: 1 more parts follow, 2 long length, 4 command
//
// Invariants
//   I1. A message that lies within one chunk is windows on it; only what is spread over chunks is copied, once or twice.
//   I2. Memory grows with bytes that arrived (at most four times as many), never with what a length claims.
//   I3. A limit is checked as soon as the number that breaks it can be read.

import { Budget, type ZmtpLimits } from "./limits.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

export const MORE = 1;
export const LONG = 2;
export const COMMAND = 4;

const FLAGS = MORE | LONG | COMMAND;
const HEAD_BYTES = 9;
/** The least a body that is spread over chunks gets at first. */
const FIRST_BYTES = 4 * 1024;
const GROWTH = 4;

export interface FrameEvents {
  /** The parts are windows on received chunks, which nobody writes again. */
  message(parts: Uint8Array[]): void;
  command(body: Uint8Array): void;
}

export class FrameReader {
  readonly #events: FrameEvents;
  readonly #limits: Pick<ZmtpLimits, "messageBytes" | "parts" | "commandBytes">;
  readonly #budget: Budget;
  /** Parts of a message whose last part is still to come. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  /** How many of them are copies, which hold no chunk. */
  #detached = 0;
  /** A frame's head that is spread over chunks. */
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headFill = 0;
  /** A frame's body that is spread over chunks. */
  #body: Uint8Array | undefined;
  #bodyFill = 0;
  #bodyBytes = 0;
  #bodyFlags = 0;
  /** What this reader took from the budget. */
  #taken = 0;
  #stopped = false;

  constructor(
    events: FrameEvents,
    limits: Pick<ZmtpLimits, "messageBytes" | "parts" | "commandBytes">,
    budget: Budget = new Budget(Number.POSITIVE_INFINITY),
  ) {
    this.#events = events;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Whether a frame or a message has begun and not ended. */
  get partial(): boolean {
    return this.#body !== undefined || this.#headFill > 0 || this.#parts.length > 0;
  }

  /** Gives everything back; what is pushed from now on is passed over. */
  stop(): void {
    this.#stopped = true;
    this.#body = undefined;
    this.#parts = [];
    this.#release();
  }

  /** Throws a ZmtpFault, after which the reader has stopped. Takes ownership of the chunk. */
  push(chunk: Uint8Array): void {
    if (this.#stopped) return;
    try {
      const at = this.partial ? this.#resume(chunk) : 0;
      this.#scan(chunk, at);
      if (this.#parts.length > this.#detached) this.#detach();
    } catch (thrown) {
      this.stop();
      throw thrown;
    }
  }

  /** Whole frames of this chunk from `at` on; what is left of it is kept for the next. */
  #scan(chunk: Uint8Array, from: number): void {
    const end = chunk.length;
    let at = from;
    while (at < end && !this.#stopped) {
      // Inside the chunk by the loop's condition, and by the checks of `end - at` below.
      const flags = chunk[at] as number;
      let length: number;
      let start: number;
      if ((flags & LONG) === 0) {
        if (end - at < 2) return this.#keepHead(chunk, at);
        length = chunk[at + 1] as number;
        start = at + 2;
      } else {
        if (end - at < HEAD_BYTES) return this.#keepHead(chunk, at);
        length = longLength(chunk, at + 1);
        start = at + HEAD_BYTES;
      }
      this.#check(flags, length);
      if (end - start < length) return this.#beginBody(flags, length, chunk, start);
      at = start + length;
      this.#deliver(flags, chunk.subarray(start, at));
    }
  }

  /** Completes what an earlier chunk began. Answers where in this chunk the next frame starts. */
  #resume(chunk: Uint8Array): number {
    let at = 0;
    if (this.#headFill > 0) {
      // A head is at least 2 bytes; its first says whether it is 9.
      while (this.#headFill < this.#headBytes() && at < chunk.length)
        this.#head[this.#headFill++] = chunk[at++] as number;
      if (this.#headFill < this.#headBytes()) return at;
      const flags = this.#head[0] as number;
      const length = (flags & LONG) === 0 ? (this.#head[1] as number) : longLength(this.#head, 1);
      this.#headFill = 0;
      this.#check(flags, length);
      if (chunk.length - at >= length) {
        this.#deliver(flags, chunk.subarray(at, at + length));
        return at + length;
      }
      this.#beginBody(flags, length, chunk, at);
      return chunk.length;
    }
    if (this.#body === undefined) return 0;
    const wanted = Math.min(this.#bodyBytes - this.#bodyFill, chunk.length);
    this.#append(chunk, 0, wanted);
    if (this.#bodyFill < this.#bodyBytes) return chunk.length;
    const body = this.#body.subarray(0, this.#bodyBytes);
    this.#body = undefined;
    this.#deliver(this.#bodyFlags, body);
    return wanted;
  }

  #headBytes(): number {
    return ((this.#head[0] as number) & LONG) === 0 ? 2 : HEAD_BYTES;
  }

  #keepHead(chunk: Uint8Array, at: number): void {
    const flags = chunk[at] as number;
    if ((flags & ~FLAGS) !== 0) throw badFlags(flags);
    for (let i = at; i < chunk.length; i++) this.#head[this.#headFill++] = chunk[i] as number;
  }

  #check(flags: number, length: number): void {
    if ((flags & ~FLAGS) !== 0) throw badFlags(flags);
    if ((flags & COMMAND) !== 0) {
      if ((flags & MORE) !== 0) throw badFlags(flags);
      if (length > this.#limits.commandBytes) {
        throw new ZmtpFault("too-large", `a command of ${length} bytes, the limit is ${this.#limits.commandBytes}`);
      }
      return;
    }
    if (this.#partsBytes + length > this.#limits.messageBytes) {
      throw new ZmtpFault(
        "too-large",
        `a message of ${this.#partsBytes + length} bytes, the limit is ${this.#limits.messageBytes}`,
      );
    }
    if (this.#parts.length === this.#limits.parts) {
      throw new ZmtpFault("too-many-parts", `a message of more than ${this.#limits.parts} parts`);
    }
  }

  #beginBody(flags: number, length: number, chunk: Uint8Array, start: number): void {
    this.#bodyFlags = flags;
    this.#bodyBytes = length;
    this.#bodyFill = 0;
    this.#body = NOTHING;
    this.#append(chunk, start, chunk.length);
  }

  #append(chunk: Uint8Array, from: number, to: number): void {
    const fill = this.#bodyFill + (to - from);
    let body = this.#body ?? NOTHING;
    if (fill > body.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#bodyBytes, Math.max(FIRST_BYTES, fill * GROWTH)));
      this.#hold(grown.length - body.length);
      grown.set(body.subarray(0, this.#bodyFill));
      this.#body = body = grown;
    }
    body.set(chunk.subarray(from, to), this.#bodyFill);
    this.#bodyFill = fill;
  }

  #deliver(flags: number, body: Uint8Array): void {
    if ((flags & COMMAND) !== 0) {
      if (this.#parts.length === 0) this.#release();
      return this.#events.command(body);
    }
    if ((flags & MORE) !== 0) {
      this.#partsBytes += body.length;
      this.#parts.push(body);
      return;
    }
    this.#release();
    if (this.#parts.length === 0) return this.#events.message([body]);
    const parts = this.#parts;
    parts.push(body);
    this.#parts = [];
    this.#partsBytes = 0;
    this.#detached = 0;
    this.#events.message(parts);
  }

  /** Parts that must wait for the rest of their message let go of their chunk, which may be far larger (I2). */
  #detach(): void {
    for (let i = this.#detached; i < this.#parts.length; i++) {
      // Inside the array by the loop's condition.
      const part = this.#parts[i] as Uint8Array;
      this.#hold(part.length);
      this.#parts[i] = Uint8Array.prototype.slice.call(part);
    }
    this.#detached = this.#parts.length;
  }

  #hold(bytes: number): void {
    if (!this.#budget.take(bytes)) {
      throw new ZmtpFault(
        "too-many-bytes",
        `${this.#budget.used} bytes of unfinished messages are held over all connections, the limit is ${this.#budget.limit}`,
      );
    }
    this.#taken += bytes;
  }

  #release(): void {
    if (this.#taken === 0) return;
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }
}

const NOTHING = new Uint8Array(0);

/** Eight bytes, most significant first. Past 2^53 it is not exact, and past every limit. */
function longLength(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) * 2 ** 32 + uint32(bytes, at + 4);
}

function uint32(bytes: Uint8Array, at: number): number {
  // The caller has seen that all eight bytes are there.
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function badFlags(flags: number): ZmtpFault {
  return new ZmtpFault("malformed", `a frame with flags 0x${flags.toString(16)}`);
}
