// Text from bytes that may not be UTF-8.
//
// Hot path (bench/codec.ts). Two things keep the engine's decoder, and the wrapping of bytes for it, out of most calls:
//   - many messages lie in one piece of memory (a chunk of a socket, a slab), and one Buffer over it serves them all;
//   - the names in envelopes (callers, paths, versions) are the same call after call, and are known again by their letters.
//
// What is kept (the last piece of memory, NAMES short texts) changes how long decoding takes, never what it gives.

/** What the engine puts for bytes that are not UTF-8; it may also stand in a text by right. */
const REPLACEMENT = "\ufffd";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A larger piece of memory serves one message, and is not kept beyond it. */
const KEPT_BYTES = 64 * 1024;

let memory: ArrayBufferLike = new ArrayBuffer(0);
let buffer: Buffer = Buffer.from(memory);

/** Undefined where the bytes are not UTF-8. The caller has seen that they are there. */
export function textIn(bytes: Uint8Array, from: number, length: number): string | undefined {
  const start = bytes.byteOffset + from;
  // The quick decoder replaces what is broken, and the strict one is asked only where something was replaced.
  const text = bufferOver(bytes.buffer).toString("utf8", start, start + length);
  return text.includes(REPLACEMENT) ? strictText(bytes, from, length) : text;
}

/** The same for a text that has probably been read before. */
export function nameIn(bytes: Uint8Array, from: number, length: number): string | undefined {
  if (length > NAME_BYTES || length === 0) return textIn(bytes, from, length);
  // Names of one kind differ at their ends.
  const place =
    (length + 31 * (bytes[from + length - 1] ?? 0) + 7 * (bytes[from + (length >> 1)] ?? 0) + (bytes[from] ?? 0)) &
    (NAMES - 1);
  const known = names[place] ?? "";
  if (isSame(known, bytes, from, length)) return known;
  const text = textIn(bytes, from, length);
  // As many letters as bytes: each letter is one byte, so that comparing letters is comparing bytes.
  if (text !== undefined && text.length === length) names[place] = text;
  return text;
}

function bufferOver(wanted: ArrayBufferLike): Buffer {
  if (wanted === memory) return buffer;
  const over = Buffer.from(wanted);
  if (wanted.byteLength > KEPT_BYTES) return over;
  memory = wanted;
  buffer = over;
  return over;
}

const NAMES = 256;
const NAME_BYTES = 64;
const names: string[] = new Array(NAMES).fill("");

function isSame(text: string, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

function strictText(bytes: Uint8Array, from: number, length: number): string | undefined {
  try {
    return strict.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + from, length));
  } catch {
    return undefined;
  }
}
