// Makes an archive: the same files give the same bytes.

import { toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import yazl from "yazl";
import { Fault } from "../../base/fault.ts";
import type { PublicKey } from "../keys/signing-key.ts";
import { digestOf, readArchive } from "./archive.ts";
import { MANIFEST_NAME, type Manifest, type ProgramDescription } from "./manifest.ts";

export interface Packing {
  readonly description: ProgramDescription;
  readonly contracts: FileDescriptorSet;
  /** Full names of the contracts that its parts implement. */
  readonly serves: readonly string[];
  /** All files but the manifest and the contracts, by their path in the archive. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Where the descriptor set lies in an archive. */
export const CONTRACTS_NAME = "contracts.binpb";

/** Zip has no earlier one: a date that says nothing, so that packing again gives the same archive. */
const NO_DATE = new Date(1980, 0, 1);

/** Throws the Fault `invalid` for what no node would accept: what is packed has been read back. */
export async function packArchive({ description, contracts, serves, files }: Packing, signer: PublicKey) {
  const { $schema: _, ...described } = description;
  const all = new Map([...files, [CONTRACTS_NAME, toBinary(FileDescriptorSetSchema, contracts)]]);
  const listed = [...all]
    .map(([path, content]) => ({ path, bytes: content.length, sha256: digestOf(content) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const manifest: Manifest = {
    unum: 1,
    ...described,
    contracts: CONTRACTS_NAME,
    serves: [...serves].sort(),
    files: listed,
  };
  const zip = new yazl.ZipFile();
  const add = (path: string, content: Uint8Array) =>
    zip.addBuffer(Buffer.from(content), path, { mtime: NO_DATE, mode: 0o100644, forceDosTimestamp: true });
  add(MANIFEST_NAME, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  for (const { path } of listed) add(path, all.get(path) ?? new Uint8Array());
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) {
    if (!Buffer.isBuffer(chunk)) throw new Fault("internal", "the zip writer wrote text");
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(Buffer.concat(chunks));
  return { bytes, archive: await readArchive(bytes, signer) };
}
