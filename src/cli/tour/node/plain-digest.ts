// The same figures without Unum: one file after the other, in this process. The tour is compared with it.

import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** As demo.v1.FileDigest says it in JSON. */
export interface FileDigest {
  readonly sha256: string;
  readonly bytes: string;
  readonly gzipBytes: string;
}

/** Rejects with Node's error where the file cannot be read. */
export async function plainDigest(root: string, path: string): Promise<FileDigest> {
  const content = await readFile(join(root, path));
  return {
    sha256: hash("sha256", content, "hex"),
    bytes: String(content.length),
    gzipBytes: String(gzipSync(content, { level: 6 }).length),
  };
}

export function sameDigest(a: FileDigest, b: FileDigest): boolean {
  return a.sha256 === b.sha256 && a.bytes === b.bytes && a.gzipBytes === b.gzipBytes;
}
