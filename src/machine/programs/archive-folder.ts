// The archives a node has, by digest: as they came, and unpacked.
//
//   FOLDER/archives/DIGEST.zip · DIGEST.zip.minisig        FOLDER/programs/DIGEST/…
//   pieces ──▶ all there? digest right? ──▶ proved and read ──▶ written to a fresh folder ──▶ renamed
//
// Invariants
//   A1. What is under a digest has that digest, was signed by a key trusted when it came, and was read whole before.
//   A2. programs/DIGEST is there whole or not at all: it is filled under another name.

import type { Disk } from "../../base/disk.ts";
import { Fault } from "../../base/fault.ts";
import { newId, type Random } from "../../base/random.ts";
import { type Archive, digestOf, openArchive, readArchive } from "../archive/archive.ts";
import { ARCHIVE_LIMITS } from "../archive/entries.ts";
import { MANIFEST_LIMIT_BYTES, MANIFEST_NAME, type Manifest, readManifest } from "../archive/manifest.ts";
import { SIGNATURE_LIMIT_BYTES } from "../archive/minisign.ts";
import type { PublicKey } from "../keys/signing-key.ts";

/** Of one archive in one message. */
export const PIECE_BYTES = 2 * 2 ** 20;
/** Uploads that were begun and have not ended; the oldest is given up for a further one. */
const MOST_UPLOADS = 2;
const MOST_FILES = 1_000_000;
const DIGEST = /^[0-9a-f]{64}$/;

interface Upload {
  readonly total: number;
  readonly pieces: Uint8Array[];
  have: number;
}

export class ArchiveFolder {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #random: Random;
  /** Digest → what it is, of those that are unpacked. */
  readonly #unpacked = new Map<string, Manifest>();
  readonly #uploads = new Map<string, Upload>();

  constructor(disk: Disk, folder: string, random: Random) {
    this.#disk = disk;
    this.#folder = folder;
    this.#random = random;
  }

  /** Forgets what was left half made, or is damaged. */
  async open(): Promise<void> {
    for (const name of ["archives", "programs"]) await this.#disk.makeFolder(`${this.#folder}/${name}`);
    const files = await this.#disk.scan(`${this.#folder}/programs`, { skip: [], limit: MOST_FILES });
    for (const folder of new Set(files.map(({ path }) => path.split("/")[0] ?? ""))) {
      const manifest = DIGEST.test(folder) ? await this.#manifestIn(folder) : undefined;
      if (manifest === undefined) await this.#disk.removeFolder(`${this.#folder}/programs/${folder}`);
      else this.#unpacked.set(folder, manifest);
    }
  }

  /** Undefined where it is not there, or damaged: its archive is unpacked anew. */
  async #manifestIn(digest: string): Promise<Manifest | undefined> {
    try {
      const text = await this.#disk.read(`${this.pathOf(digest)}/${MANIFEST_NAME}`, MANIFEST_LIMIT_BYTES);
      return text === undefined ? undefined : readManifest(text);
    } catch (error) {
      if (error instanceof Fault && error.code === "invalid") return undefined;
      throw error;
    }
  }

  /** Of those that are unpacked. */
  manifestOf(digest: string): Manifest | undefined {
    return this.#unpacked.get(digest);
  }

  /** Digests of a program's versions that are unpacked here. */
  unpackedOf(program: string): readonly string[] {
    return [...this.#unpacked].filter(([, { name }]) => name === program).map(([digest]) => digest);
  }

  get programs(): readonly string[] {
    return [...new Set([...this.#unpacked.values()].map(({ name }) => name))];
  }

  /** Where it is unpacked, whether or not it is yet. */
  pathOf(digest: string): string {
    return `${this.#folder}/programs/${checked(digest)}`;
  }

  async has(digest: string): Promise<boolean> {
    return (await this.#disk.read(`${this.#zipOf(digest)}.minisig`, SIGNATURE_LIMIT_BYTES)) !== undefined;
  }

  /**
   * Takes a piece; answers with how many bytes are there. Pieces come in order: one that does not fit begins anew.
   * With the last the archive is kept, if `judge` lets it. Throws the Faults of `openArchive`.
   */
  async put(
    piece: { digest: string; offset: number; total: number; bytes: Uint8Array; signature: string },
    trusted: readonly PublicKey[],
    judge: (archive: Archive) => void,
  ): Promise<{ have: number; complete: boolean }> {
    const { digest, offset, total, bytes, signature } = piece;
    if (await this.has(digest)) return { have: total, complete: true };
    if (total > ARCHIVE_LIMITS.archiveBytes || total === 0) {
      throw new Fault("invalid", `the archive has ${total} bytes, the limit is ${ARCHIVE_LIMITS.archiveBytes}`);
    }
    const upload = this.#uploadOf(digest, offset, total);
    if (offset !== upload.have || offset + bytes.length > total) return { have: upload.have, complete: false };
    upload.pieces.push(bytes);
    upload.have += bytes.length;
    if (upload.have < total) return { have: upload.have, complete: false };
    this.#uploads.delete(digest);
    const whole = new Uint8Array(Buffer.concat(upload.pieces));
    if (digestOf(whole) !== digest)
      throw new Fault("invalid", `what was sent is not the archive ${digest.slice(0, 12)}`);
    judge(await openArchive(whole, signature, trusted));
    await this.#disk.replace(this.#zipOf(digest), whole);
    // Last: what has a signature beside it is whole.
    await this.#disk.replace(`${this.#zipOf(digest)}.minisig`, new TextEncoder().encode(signature));
    return { have: total, complete: true };
  }

  /** As it came; undefined where it is not here. */
  bytesOf(digest: string): Promise<Uint8Array | undefined> {
    return this.#disk.read(this.#zipOf(digest), ARCHIVE_LIMITS.archiveBytes);
  }

  /** Undefined where it is not here. */
  async pieceOf(digest: string, offset: number) {
    const bytes = await this.bytesOf(digest);
    const signature = await this.#disk.read(`${this.#zipOf(digest)}.minisig`, SIGNATURE_LIMIT_BYTES);
    if (bytes === undefined || signature === undefined) return undefined;
    const piece = bytes.slice(offset, offset + PIECE_BYTES);
    return { digest, offset, total: bytes.length, bytes: piece, signature: new TextDecoder().decode(signature) };
  }

  /** All or nothing. It was proved when it came; that it is still the same is proved by its digest. */
  async unpack(digest: string): Promise<Manifest> {
    const bytes = await this.#disk.read(this.#zipOf(digest), ARCHIVE_LIMITS.archiveBytes);
    if (bytes === undefined) throw new Fault("not-found", `the archive ${digest.slice(0, 12)} is not here`);
    if (digestOf(bytes) !== digest) {
      await this.#forgetArchive(digest);
      throw new Fault(
        "invalid",
        `the archive ${digest.slice(0, 12)} was damaged on this node's disk, and is fetched again`,
      );
    }
    const { manifest, files } = await readArchive(bytes, { id: "", raw: new Uint8Array() });
    const fresh = `${this.#folder}/programs/new-${newId(this.#random, "")}`;
    try {
      await this.#write(fresh, files, manifest);
      await this.#disk.moveFolder(fresh, this.pathOf(digest));
    } finally {
      await this.#disk.removeFolder(fresh);
    }
    this.#unpacked.set(digest, manifest);
    return manifest;
  }

  async remove(digest: string): Promise<void> {
    this.#unpacked.delete(digest);
    await this.#disk.removeFolder(this.pathOf(digest));
    await this.#forgetArchive(digest);
  }

  #uploadOf(digest: string, offset: number, total: number): Upload {
    const known = this.#uploads.get(digest);
    if (known !== undefined && known.total === total && offset !== 0) return known;
    const [oldest] = this.#uploads.keys();
    if (oldest !== undefined && this.#uploads.size >= MOST_UPLOADS) this.#uploads.delete(oldest);
    const upload = { total, pieces: [], have: 0 };
    this.#uploads.set(digest, upload);
    return upload;
  }

  async #write(fresh: string, files: ReadonlyMap<string, Uint8Array>, manifest: Manifest): Promise<void> {
    const folders = new Set([...files.keys()].map((path) => path.slice(0, Math.max(0, path.lastIndexOf("/")))));
    for (const folder of folders) await this.#disk.makeFolder(`${fresh}/${folder}`);
    for (const [path, content] of files) await this.#disk.replace(`${fresh}/${path}`, content);
    await this.#disk.replace(`${fresh}/${MANIFEST_NAME}`, new TextEncoder().encode(JSON.stringify(manifest)));
  }

  async #forgetArchive(digest: string): Promise<void> {
    await this.#disk.remove(`${this.#zipOf(digest)}.minisig`);
    await this.#disk.remove(this.#zipOf(digest));
  }

  #zipOf(digest: string): string {
    return `${this.#folder}/archives/${checked(digest)}.zip`;
  }
}

/** A digest becomes a part of a path. */
function checked(digest: string): string {
  if (DIGEST.test(digest)) return digest;
  throw new Fault("invalid", `'${digest.slice(0, 80)}' is no digest of an archive`);
}
