// Copies of bytes at the price of a view: an array of more than 64 bytes of its own costs the engine ten times as much.
//
// Hot path (bench/codec.ts). Copies share slabs, so one that is kept for long keeps up to SLAB_BYTES alive.

import { markAsUntransferable } from "node:worker_threads";

const SLAB_BYTES = 16 * 1024;

/** The engine keeps arrays up to this size on its own heap, where they are cheap. */
const SMALL_BYTES = 64;

/** Above it the copying itself is what costs. */
const LARGE_BYTES = 2 * 1024;

// Nobody can change an array without elements, so all may have the same one. The library's own messages share one too.
const EMPTY = new Uint8Array(0);

// Module-level, since a copy says nothing about the slab it came from: no caller can tell what another did.
let slab = new Uint8Array(0);
let used = 0;

/** A plain Uint8Array of its own content, also where `bytes` is a Buffer. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length === 0) return EMPTY;
  if (length <= SMALL_BYTES || length > LARGE_BYTES) return new Uint8Array(bytes);
  // Also true where somebody took the slab's memory away, which leaves it without length.
  if (used + length > slab.length) {
    slab = newSlab(SLAB_BYTES);
    used = 0;
  }
  slab.set(bytes, used);
  const copy = new Uint8Array(slab.buffer, used, length);
  used += length;
  return copy;
}

/** Memory that many share: a worker thread may get a copy of it, never the memory itself. */
export function newSlab(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  markAsUntransferable(bytes.buffer);
  return bytes;
}
