// A log file as a sequence of bytes, whether packed or not, and what it is known again by.

import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import { crc32, createGunzip, createZstdDecompress } from "node:zlib";
import { asError, Fault } from "../../base/fault.ts";
import type { Fingerprint, SourceEntry } from "./manifest.ts";

/** Bytes that a file is known by. */
const HEAD_BYTES = 1024;
const TAIL_BYTES = 256;
const READ_BYTES = 1 << 20;
const FIRST_BYTES = 16 << 10;

export type Packing = "none" | "gzip" | "zstd";

/** By its first bytes, not by its name. */
export function packingOf(path: string): Packing {
  const fd = openSync(path, "r");
  try {
    const magic = Buffer.alloc(4);
    readSync(fd, magic, 0, 4, 0);
    if (magic[0] === 0x1f && magic[1] === 0x8b) return "gzip";
    return magic.readUInt32LE(0) === 0xfd2fb528 ? "zstd" : "none";
  } finally {
    closeSync(fd);
  }
}

/** Its content from an offset on. Each part is to be used before the next is asked for. */
export async function* contentOf(
  path: string,
  packing: Packing,
  offset: number,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  if (packing === "none") {
    yield* plainContent(path, offset, limit);
    return;
  }
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const unpack =
    packing === "gzip" ? createGunzip({ chunkSize: READ_BYTES }) : createZstdDecompress({ chunkSize: READ_BYTES });
  file.on("error", (error) => unpack.destroy(error));
  let skip = offset;
  let left = limit;
  try {
    for await (const part of file.pipe(unpack) as Readable) {
      // Streams of zlib give Buffers.
      const bytes = part as Buffer;
      if (skip >= bytes.length) {
        skip -= bytes.length;
        continue;
      }
      const wanted = bytes.subarray(skip, skip + left);
      skip = 0;
      left -= wanted.length;
      yield wanted;
      if (left <= 0) return;
    }
  } catch (error) {
    throw new Fault("invalid", `${path} cannot be unpacked: ${asError(error).message}`, { cause: error });
  } finally {
    file.destroy();
    unpack.destroy();
  }
}

function* plainContent(path: string, offset: number, limit: number): Generator<Uint8Array> {
  const fd = openSync(path, "r");
  try {
    // Who wants little stops soon, so the first reads are short.
    let bytes = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, limit));
    let at = offset;
    let left = limit;
    while (left > 0) {
      const read = readSync(fd, bytes, 0, Math.min(bytes.length, left), at);
      if (read === 0) return;
      at += read;
      left -= read;
      yield bytes.subarray(0, read);
      if (bytes.length < Math.min(READ_BYTES, left))
        bytes = Buffer.allocUnsafeSlow(Math.min(bytes.length * 4, READ_BYTES));
    }
  } finally {
    closeSync(fd);
  }
}

/** The first bytes of the content, as many as are needed to know it again. */
export async function headOf(path: string, packing: Packing, bytes = HEAD_BYTES): Promise<Buffer> {
  return part(path, packing, 0, bytes);
}

async function part(path: string, packing: Packing, from: number, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let left = length;
  for await (const bytes of contentOf(path, packing, from, length)) {
    parts.push(Buffer.from(bytes.subarray(0, left)));
    left -= bytes.length;
    if (left <= 0) break;
  }
  return Buffer.concat(parts);
}

export function fingerprint(bytes: Uint8Array): Fingerprint {
  return { bytes: bytes.length, crc: crc32(bytes) };
}

/** Whether the content begins as one that was read did, and has there what it ended with. */
export async function isSameContent(
  path: string,
  packing: Packing,
  known: Pick<SourceEntry, "head" | "tail">,
): Promise<"same" | "shorter" | "other"> {
  const head = await headOf(path, packing, known.head.bytes);
  if (head.length < known.head.bytes || crc32(head) !== known.head.crc) return "other";
  const tail = await part(path, packing, known.tail.at - known.tail.bytes, known.tail.bytes);
  if (tail.length < known.tail.bytes) return "shorter";
  return crc32(tail) === known.tail.crc ? "same" : "other";
}

/** The last of the bytes read so far, whatever the parts they came in. */
export class TailKeeper {
  readonly #bytes = Buffer.alloc(TAIL_BYTES);
  #length = 0;
  #at: number;

  /** `at`: where reading begins. */
  constructor(at: number) {
    this.#at = at;
  }

  push(bytes: Uint8Array): void {
    const taken = Math.min(bytes.length, TAIL_BYTES);
    const kept = Math.min(this.#length, TAIL_BYTES - taken);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    this.#bytes.set(bytes.subarray(bytes.length - taken), kept);
    this.#length = kept + taken;
    this.#at += bytes.length;
  }

  get fingerprint(): SourceEntry["tail"] {
    return { ...fingerprint(this.#bytes.subarray(0, this.#length)), at: this.#at };
  }
}

export function fileFacts(path: string): { readonly bytes: number; readonly time: number } {
  const fd = openSync(path, "r");
  try {
    const { size, mtimeMs } = fstatSync(fd);
    return { bytes: size, time: mtimeMs };
  } finally {
    closeSync(fd);
  }
}
