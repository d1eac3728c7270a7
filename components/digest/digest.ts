// Reads files and says what they are: SHA-256, size, size as gzip writes it.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip, gzipSync } from "node:zlib";
import { component } from "unum";
import { Digest } from "./gen/digest_pb.ts";

const compress = promisify(gzip);

/** A smaller content is compressed before a thread would have begun; a larger one must not hold up the container. */
const AT_ONCE_BYTES = 64 * 1024;

async function digest(path: string) {
  const content = await readFile(path);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const small = content.length <= AT_ONCE_BYTES;
  const zipped = small ? gzipSync(content, { level: 6 }) : await compress(content, { level: 6 });
  return { path, sha256, bytes: BigInt(content.length), gzipBytes: BigInt(zipped.length) };
}

export default component(
  Digest,
  {
    ofFile: ({ path }) => digest(path),

    async *ofFolder({ path }, call) {
      const entries = await readdir(path, { withFileTypes: true, recursive: true });
      for (const entry of entries) {
        if (call.signal.aborted) return;
        if (entry.isFile()) yield await digest(join(entry.parentPath, entry.name));
      }
    },
  },
  // A file of 1 GB takes a quarter of a minute.
  { version: "1.0.0", budgetMs: 30_000 },
);
