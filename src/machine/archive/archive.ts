// A program's archive: bytes in, a program out, in an order that nothing may change:
//
//   signature over the raw bytes ──▶ zip under our policy ──▶ manifest ──▶ every file's SHA-256 ──▶ contracts
//
// Only when all of it holds is there anything to write.

import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../base/fault.ts";
import { registryOf } from "../../messages/schema.ts";
import type { PublicKey } from "../keys/signing-key.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits, readEntries } from "./entries.ts";
import { MANIFEST_LIMIT_BYTES, MANIFEST_NAME, type Manifest, readManifest } from "./manifest.ts";
import { SIGNATURE_LIMIT_BYTES, verifyFile } from "./minisign.ts";

export interface Archive {
  /** SHA-256 of the archive, hexadecimal: its name on every node. */
  readonly digest: string;
  readonly signer: PublicKey;
  readonly manifest: Manifest;
  readonly contracts: FileDescriptorSet;
  /** All but the manifest. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Throws the Fault `denied` where nobody trusted signed it, `invalid` where it is not as it must be. */
export async function openArchive(
  bytes: Uint8Array,
  signature: string,
  trusted: readonly PublicKey[],
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<Archive> {
  if (bytes.length > limits.archiveBytes) {
    throw new Fault("invalid", `the archive has ${bytes.length} bytes, the limit is ${limits.archiveBytes}`);
  }
  if (signature.length > SIGNATURE_LIMIT_BYTES) throw new Fault("denied", "the signature is longer than any is");
  const { key } = verifyFile(bytes, signature, trusted);
  return readArchive(bytes, key, limits);
}

/** The same without asking who signed it: for who looks at his own. */
export async function readArchive(bytes: Uint8Array, signer: PublicKey, limits = ARCHIVE_LIMITS): Promise<Archive> {
  const entries = await readEntries(bytes, limits);
  const text = entries.get(MANIFEST_NAME);
  if (text === undefined) throw new Fault("invalid", `the archive is refused: it has no ${MANIFEST_NAME}`);
  if (text.length > MANIFEST_LIMIT_BYTES) throw new Fault("invalid", `${MANIFEST_NAME} has ${text.length} bytes`);
  const manifest = readManifest(text);
  const files = new Map([...entries].filter(([path]) => path !== MANIFEST_NAME));
  checkFiles(manifest, files);
  return { digest: digestOf(bytes), signer, manifest, contracts: contractsOf(manifest, files), files };
}

function checkFiles(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>): void {
  const named = new Set<string>();
  for (const { path, bytes, sha256 } of manifest.files) {
    const content = files.get(path);
    if (content === undefined || named.has(path)) throw refused(`'${path}' is in its manifest and not in it, or twice`);
    if (content.length !== bytes || digestOf(content) !== sha256)
      throw refused(`'${path}' is not what its manifest says`);
    named.add(path);
  }
  const [unnamed] = [...files.keys()].filter((path) => !named.has(path));
  if (unnamed !== undefined) throw refused(`'${unnamed}' is not in its manifest`);
  for (const part of manifest.parts) {
    const wanted = part.kind === "component" ? `${part.folder}/` : part.kind === "native" ? part.library : part.module;
    const found = [...named].some((path) => (part.kind === "component" ? path.startsWith(wanted) : path === wanted));
    if (!found) throw refused(`its part '${wanted}' is not in it`);
  }
}

function contractsOf({ contracts, serves }: Manifest, files: ReadonlyMap<string, Uint8Array>): FileDescriptorSet {
  const bytes = files.get(contracts);
  if (bytes === undefined) throw refused(`its contracts '${contracts}' are not in it`);
  let set: FileDescriptorSet;
  try {
    set = fromBinary(FileDescriptorSetSchema, bytes);
  } catch (cause) {
    throw new Fault("invalid", `the archive is refused: '${contracts}' is no descriptor set`, { cause });
  }
  const registry = registryOf(set);
  const missing = serves.find((name) => registry.getService(name) === undefined);
  if (missing !== undefined) throw refused(`it says that it serves ${missing}, which is not in its contracts`);
  return set;
}

function refused(why: string): Fault {
  return new Fault("invalid", `the archive is refused: ${why}`);
}
