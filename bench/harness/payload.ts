// What the calls carry: a pool of texts that differ, so that a reply given to the wrong call is noticed.

const POOL_BYTES = 8 * 1024 * 1024;
const POOL_MOST = 64;
const POOL_LEAST = 4;

/** The same payloads as text and as bytes; ASCII, so that both have the size and no encoding has to escape it. */
export interface Payloads {
  readonly texts: readonly string[];
  readonly bytes: readonly Uint8Array[];
  /** The place in the pool that call number `index` uses. */
  at(index: number): number;
}

export function payloads(sizeBytes: number): Payloads {
  const count = Math.max(POOL_LEAST, Math.min(POOL_MOST, Math.floor(POOL_BYTES / sizeBytes)));
  const texts = Array.from({ length: count }, (_, number) => textOf(number, sizeBytes));
  const encoder = new TextEncoder();
  const bytes = texts.map((text) => encoder.encode(text));
  return { texts, bytes, at: (index) => index % count };
}

function textOf(number: number, sizeBytes: number): string {
  const line = `payload ${number} of the benchmark's pool, neither all alike nor hard to read; `;
  return line.repeat(Math.ceil(sizeBytes / line.length)).slice(0, sizeBytes);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}
