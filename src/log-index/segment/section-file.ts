// A file of named sections: written once, read in parts, and every byte of it under a checksum.
//
//   section … section   trailer (JSON)   its length   its checksum   MAGIC
//
// Invariants
//   F1. A file that is there under its name is whole: it is written under another and renamed after fsync.
//   F2. No byte is believed before its checksum was: whole sections when they are read, sections read in parts by
//       whoever keeps checksums of the parts.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const MAGIC = Buffer.from("UNUMLOG1");
const TAIL_BYTES = 16;
/** Trailers are rarely longer, so one read brings all of it. */
const TAIL_READ = 16 << 10;

/** That a file is not what was written: which, and where. */
export class DamagedFile extends Error {
  override readonly name = "DamagedFile";
  readonly path: string;

  constructor(path: string, what: string) {
    super(`${path} is damaged: ${what}`);
    this.path = path;
  }
}

interface Section {
  readonly at: number;
  readonly bytes: number;
  readonly crc: number;
}

interface Trailer {
  readonly sections: Readonly<Record<string, Section>>;
  readonly about: unknown;
}

export class SectionWriter {
  readonly #path: string;
  readonly #fd: number;
  readonly #sections: Record<string, Section> = {};
  #at = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(`${path}.new`, "w");
  }

  /** Parts are written one after another. */
  section(name: string, ...parts: readonly Uint8Array[]): void {
    const at = this.#at;
    let crc = 0;
    for (const part of parts) {
      crc = crc32(part, crc);
      writeAll(this.#fd, part, this.#at);
      this.#at += part.length;
    }
    this.#sections[name] = { at, bytes: this.#at - at, crc };
  }

  /** A section that is written in many parts over time; to be ended before the next. */
  begin(name: string): { add(part: Uint8Array): void; end(): void } {
    const at = this.#at;
    let crc = 0;
    return {
      add: (part) => {
        crc = crc32(part, crc);
        writeAll(this.#fd, part, this.#at);
        this.#at += part.length;
      },
      end: () => {
        this.#sections[name] = { at, bytes: this.#at - at, crc };
      },
    };
  }

  /** Settles when the file is there under its name. Answers its bytes. */
  finish(about: unknown): number {
    const trailer = Buffer.from(JSON.stringify({ sections: this.#sections, about } satisfies Trailer));
    const tail = Buffer.alloc(TAIL_BYTES);
    tail.writeUInt32LE(trailer.length, 0);
    tail.writeUInt32LE(crc32(trailer), 4);
    MAGIC.copy(tail, 8);
    writeAll(this.#fd, Buffer.concat([trailer, tail]), this.#at);
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    renameSync(`${this.#path}.new`, this.#path);
    return this.#at + trailer.length + TAIL_BYTES;
  }

  /** The file is not wanted any more. */
  abandon(): void {
    closeSync(this.#fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

export class SectionFile {
  readonly path: string;
  readonly bytes: number;
  readonly #fd: number;
  readonly #trailer: Trailer;
  #isOpen = true;

  /** DamagedFile where it is not whole. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "r");
    try {
      this.bytes = fstatSync(this.#fd).size;
      this.#trailer = this.#readTrailer();
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  #readTrailer(): Trailer {
    const length = Math.min(this.bytes, TAIL_READ);
    if (length < TAIL_BYTES) throw new DamagedFile(this.path, `it has ${this.bytes} bytes`);
    let tail = this.#readAt(this.bytes - length, length);
    const trailerBytes = tail.readUInt32LE(length - TAIL_BYTES);
    const crc = tail.readUInt32LE(length - TAIL_BYTES + 4);
    if (!tail.subarray(length - 8).equals(MAGIC)) throw new DamagedFile(this.path, "it does not end as such files do");
    if (trailerBytes > this.bytes - TAIL_BYTES) throw new DamagedFile(this.path, "its trailer has no such length");
    if (trailerBytes + TAIL_BYTES > length)
      tail = this.#readAt(this.bytes - trailerBytes - TAIL_BYTES, trailerBytes + TAIL_BYTES);
    const trailer = tail.subarray(tail.length - TAIL_BYTES - trailerBytes, tail.length - TAIL_BYTES);
    if (crc32(trailer) !== crc) throw new DamagedFile(this.path, "the checksum of its trailer is another");
    // What the checksum vouches for is what SectionWriter wrote.
    return JSON.parse(trailer.toString("utf8")) as Trailer;
  }

  get about(): unknown {
    return this.#trailer.about;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#trailer.sections, name);
  }

  sizeOf(name: string): number {
    return this.#trailer.sections[name]?.bytes ?? 0;
  }

  /** The whole of it, checked; empty where there is none. */
  read(name: string): Buffer<ArrayBuffer> {
    const section = this.#trailer.sections[name];
    if (section === undefined) return Buffer.alloc(0);
    const bytes = this.#readAt(section.at, section.bytes);
    if (crc32(bytes) !== section.crc) throw new DamagedFile(this.path, `the checksum of '${name}' is another`);
    return bytes;
  }

  /** A part, not checked: who reads in parts keeps checksums of them. */
  readPart(name: string, from: number, length: number, into: Uint8Array): void {
    const section = this.#trailer.sections[name];
    const at = (section?.at ?? 0) + from;
    const read = readSync(this.#fd, into, 0, length, at);
    if (read !== length) throw new DamagedFile(this.path, `it ends within '${name}'`);
  }

  /** Every byte is read and checked. */
  verify(): void {
    for (const name of Object.keys(this.#trailer.sections)) this.read(name);
  }

  #readAt(at: number, length: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.#fd, bytes, done, length - done, at + done);
      if (read === 0) throw new DamagedFile(this.path, "it is shorter than it was");
      done += read;
    }
    return bytes;
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
