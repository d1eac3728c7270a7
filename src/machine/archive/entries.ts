// The entries of a zip file, read under a policy of our own: what is not plainly a bundle of regular files is refused whole.
//
// Nothing here trusts the file: its signature only says who made it. Sizes are counted while they are unpacked, in memory, and
// nothing is written.
//
// Invariants
//   E1. No more is ever held than the limits say, whatever the headers claim.
//   E2. Each byte belongs to one entry at most; both headers of an entry say the same.
//   E3. No name leads out of a folder, differs from another by case alone, or is both a file and a folder.

import { crc32 } from "node:zlib";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { asError, Fault } from "../../base/fault.ts";
import { FILE_NAME, LONGEST_FILE_NAME } from "./manifest.ts";

export interface ArchiveLimits {
  readonly archiveBytes: number;
  readonly entries: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
  /** Unpacked to packed, of an entry; small ones may exceed it. */
  readonly ratio: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  archiveBytes: 128 * 2 ** 20,
  entries: 10_000,
  fileBytes: 64 * 2 ** 20,
  totalBytes: 256 * 2 ** 20,
  ratio: 200,
};

/** Below this the ratio of an entry does not matter. */
const SMALL_BYTES = 64 * 1024;
const [STORED, DEFLATED] = [0, 8];
const [LOCAL_HEADER_BYTES, CENTRAL_HEADER_BYTES, END_BYTES, DESCRIPTOR_BYTES] = [30, 46, 22, 16];
const END_SIGNATURE = 0x06054b50;
const [FILE_TYPE, REGULAR] = [0o170000, 0o100000];
const UNIX = 3;
const UTF8_AND_SIZES_LATER = 0x0808;
const DEFLATE_OPTIONS = 0x0006;

/** Path → bytes. Throws the Fault `invalid` that says which rule was broken, and by what. */
export async function readEntries(
  archive: Uint8Array,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (archive.length > limits.archiveBytes) {
    throw broken(`it has ${archive.length} bytes, the limit is ${limits.archiveBytes}`);
  }
  let zip: ZipFile | undefined;
  try {
    const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length);
    zip = await opened(bytes);
    if (zip.entryCount > limits.entries)
      throw broken(`it has ${zip.entryCount} entries, the limit is ${limits.entries}`);
    return await readAll(zip, bytes, limits);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw broken(asError(error).message);
  } finally {
    zip?.close();
  }
}

async function readAll(zip: ZipFile, archive: Buffer, limits: ArchiveLimits) {
  const entries = (await entriesOf(zip, limits.entries)).map((entry) => ({ entry, name: nameOf(entry) }));
  const names = new Names();
  let total = 0;
  for (const { entry, name } of entries) {
    names.add(name);
    checkKind(entry, name);
    total += entry.uncompressedSize;
    checkSize(entry, name, total, limits);
  }
  const spans = [];
  for (const { entry, name } of entries) spans.push(await spanOf(zip, entry, name));
  checkSpans(
    spans,
    directoryOf(
      archive,
      entries.map(({ entry }) => entry),
    ),
  );
  const files = new Map<string, Uint8Array>();
  for (const { entry, name } of entries) files.set(name, await contentOf(zip, entry, name));
  return files;
}

/** Where the central directory begins, once it is known to be all that follows. */
function directoryOf(archive: Buffer, entries: readonly Entry[]): number {
  const end = archive.length - END_BYTES;
  if (end < 0 || archive.readUInt32LE(end) !== END_SIGNATURE)
    throw broken("something follows its end, or its end is missing");
  const [count, size, offset] = [
    archive.readUInt16LE(end + 10),
    archive.readUInt32LE(end + 12),
    archive.readUInt32LE(end + 16),
  ];
  const bytes = entries.reduce((sum, { fileNameLength, extraFieldLength, fileCommentLength }) => {
    return sum + CENTRAL_HEADER_BYTES + fileNameLength + extraFieldLength + fileCommentLength;
  }, 0);
  if (count !== entries.length || size !== bytes || offset + size !== end)
    throw broken("its directory is not what its end says");
  return offset;
}

function opened(bytes: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, decodeStrings: false, validateEntrySizes: true, strictFileNames: true };
    yauzl.fromBuffer(bytes, options, (error, zip) => (error === null ? resolve(zip) : reject(error)));
  });
}

function entriesOf(zip: ZipFile, limit: number): Promise<readonly Entry[]> {
  return new Promise((resolve, reject) => {
    const found: Entry[] = [];
    zip.on("error", reject);
    zip.on("end", () => resolve(found));
    zip.on("entry", (entry: Entry) => {
      if (found.push(entry) > limit) reject(broken(`it has more than ${limit} entries`));
      else zip.readEntry();
    });
    zip.readEntry();
  });
}

function nameOf(entry: Entry): string {
  // Bytes, since strings are not decoded; the types know only the usual case.
  const raw = entry.fileName as unknown as Buffer;
  const name = raw.toString("latin1");
  if (name.length > LONGEST_FILE_NAME || !FILE_NAME.test(name) || RESERVED.test(name)) {
    throw broken(`an entry is named ${JSON.stringify(name.slice(0, 100))}, which is no plain relative path`);
  }
  return name;
}

/** Names that mean a device on some systems, with or without an ending. */
const RESERVED = /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)/i;

class Names {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  add(name: string): void {
    const folded = name.toLowerCase();
    if (this.#files.has(folded)) throw broken(`two entries are named '${name}', but for upper and lower case`);
    if (this.#folders.has(folded)) throw broken(`'${name}' is a file and a folder`);
    this.#files.add(folded);
    for (let at = folded.indexOf("/"); at >= 0; at = folded.indexOf("/", at + 1)) {
      const folder = folded.slice(0, at);
      if (this.#files.has(folder)) throw broken(`'${folder}' is a file and a folder`);
      this.#folders.add(folder);
    }
  }
}

function checkKind(entry: Entry, name: string): void {
  const { compressionMethod: method, generalPurposeBitFlag: flags, versionMadeBy, externalFileAttributes } = entry;
  if (method !== STORED && method !== DEFLATED) throw broken(`'${name}' is packed by method ${method}`);
  if ((flags & ~(UTF8_AND_SIZES_LATER | DEFLATE_OPTIONS)) !== 0)
    throw broken(`'${name}' has flags ${flags}: encrypted, or in parts`);
  const type = versionMadeBy >> 8 === UNIX ? (externalFileAttributes >>> 16) & FILE_TYPE : REGULAR;
  if (type !== REGULAR && type !== 0) throw broken(`'${name}' is no regular file (type ${type.toString(8)})`);
}

function checkSize(entry: Entry, name: string, total: number, limits: ArchiveLimits): void {
  const { uncompressedSize: size, compressedSize: packed } = entry;
  if (size > limits.fileBytes) throw broken(`'${name}' has ${size} bytes, the limit is ${limits.fileBytes}`);
  if (total > limits.totalBytes) throw broken(`its files have more than ${limits.totalBytes} bytes together`);
  if (size > SMALL_BYTES && size > packed * limits.ratio) {
    throw broken(
      `'${name}' unpacks to ${Math.floor(size / Math.max(1, packed))} times its size, the limit is ${limits.ratio}`,
    );
  }
}

/** Where the entry lies, once its own header says what the central directory says. */
async function spanOf(zip: ZipFile, entry: Entry, name: string): Promise<readonly [number, number]> {
  const local = await new Promise<yauzl.LocalFileHeader>((resolve, reject) =>
    zip.readLocalFileHeader(entry, (error, header) => (error === null ? resolve(header) : reject(error))),
  );
  const same =
    local.fileName.toString("latin1") === name &&
    local.compressionMethod === entry.compressionMethod &&
    local.generalPurposeBitFlag === entry.generalPurposeBitFlag;
  const sizesLater = (local.generalPurposeBitFlag & 0x08) !== 0;
  const sizesAgree =
    sizesLater ||
    (local.compressedSize === entry.compressedSize &&
      local.uncompressedSize === entry.uncompressedSize &&
      local.crc32 === entry.crc32);
  if (!same || !sizesAgree) throw broken(`the two headers of '${name}' contradict each other`);
  const end = local.fileDataStart + entry.compressedSize;
  if (local.fileDataStart < entry.relativeOffsetOfLocalHeader + LOCAL_HEADER_BYTES)
    throw broken(`'${name}' lies in its own header`);
  return [entry.relativeOffsetOfLocalHeader, end];
}

/** From the first byte to the directory, entry after entry; after one whose sizes come later there is a place for them. */
function checkSpans(spans: readonly (readonly [number, number])[], directory: number): void {
  let before = 0;
  for (const [start, end] of [...spans, [directory, directory] as const].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (start < before) throw broken("two of its entries overlap");
    if (start - before > DESCRIPTOR_BYTES) throw broken(`it has ${start - before} bytes that belong to no entry`);
    before = end;
  }
}

function contentOf(zip: ZipFile, entry: Entry, name: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) return reject(error);
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= entry.uncompressedSize) chunks.push(chunk);
        else stream.destroy(broken(`'${name}' unpacks to more than it says`));
      });
      stream.on("error", reject);
      stream.on("end", () => {
        const content = Buffer.concat(chunks);
        if (content.length !== entry.uncompressedSize) return reject(broken(`'${name}' unpacks to less than it says`));
        if (crc32(content) !== entry.crc32) return reject(broken(`'${name}' is damaged: its checksum does not fit`));
        resolve(new Uint8Array(content.buffer, content.byteOffset, content.length));
      });
    });
  });
}

function broken(why: string): Fault {
  return new Fault("invalid", `the archive is refused: ${why}`);
}
