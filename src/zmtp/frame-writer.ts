// Messages and commands in, bytes out: small ones gathered into one write, large ones handed on as they are.
//
// Hot path (bench/zmtp-loopback.ts).
//
// Frames are laid one after the other into a slab; flush hands on the part of it that is new and goes on behind it,
// so a slab is never written twice and nothing needs to be copied again. Slabs grow with use, so a connection
// that says little costs little.

import { COMMAND, LONG, MORE } from "./frame-reader.ts";

const FIRST_SLAB_BYTES = 1024;
const SLAB_BYTES = 64 * 1024;
/** From here on a body is not copied into the slab but handed on by itself. */
const LARGE_BYTES = 16 * 1024;
const HEAD_BYTES = 9;

export class FrameWriter {
  readonly #write: (bytes: Uint8Array) => void;
  #slab: Buffer = NOTHING;
  #at = 0;
  #flushed = 0;
  #nextSlabBytes = FIRST_SLAB_BYTES;

  /** `write` takes ownership of the bytes. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Bytes not yet handed on. */
  get waiting(): number {
    return this.#at - this.#flushed;
  }

  /** Takes ownership of the parts. At least one. */
  message(parts: readonly Uint8Array[]): void {
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) {
      const part = parts[i] as Uint8Array;
      this.#head(MORE, part.length);
      this.#body(part);
    }
    const part = parts[last] as Uint8Array;
    this.#head(0, part.length);
    this.#body(part);
  }

  /** A message of one part, `front` followed by `back`, without joining them. Copies `front`, which must be small; takes ownership of `back`. */
  joined(front: Uint8Array, back: Uint8Array): void {
    this.#head(0, front.length + back.length);
    this.#body(front);
    this.#body(back);
  }

  command(body: Uint8Array): void {
    this.#head(COMMAND, body.length);
    this.#body(body);
  }

  flush(): void {
    if (this.#at === this.#flushed) return;
    const bytes = this.#slab.subarray(this.#flushed, this.#at);
    this.#flushed = this.#at;
    this.#write(bytes);
  }

  #head(flags: number, length: number): void {
    if (this.#slab.length - this.#at < HEAD_BYTES) this.#turn(HEAD_BYTES);
    const slab = this.#slab;
    if (length < 256) {
      slab[this.#at++] = flags;
      slab[this.#at++] = length;
      return;
    }
    const at = this.#at;
    slab[at] = flags | LONG;
    // Eight bytes, of which no part is so long that it needs more than five.
    slab[at + 1] = 0;
    slab[at + 2] = 0;
    slab[at + 3] = 0;
    slab[at + 4] = Math.floor(length / 2 ** 32);
    slab[at + 5] = length >>> 24;
    slab[at + 6] = length >>> 16;
    slab[at + 7] = length >>> 8;
    slab[at + 8] = length;
    this.#at = at + HEAD_BYTES;
  }

  #body(body: Uint8Array): void {
    if (body.length >= LARGE_BYTES) {
      this.flush();
      this.#write(body);
      return;
    }
    if (this.#slab.length - this.#at < body.length) this.#turn(body.length);
    this.#slab.set(body, this.#at);
    this.#at += body.length;
  }

  /** A new slab with room for at least `bytes`. */
  #turn(bytes: number): void {
    this.flush();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(this.#nextSlabBytes, bytes));
    this.#nextSlabBytes = Math.min(SLAB_BYTES, this.#nextSlabBytes * 2);
    this.#at = 0;
    this.#flushed = 0;
  }
}

const NOTHING = Buffer.alloc(0);
