// Implements example.v1.Files.

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import { component } from "unum";
import { Files } from "./gen/files_pb.ts";

export default component(
  Files,
  {
    async read(file) {
      const { size } = await stat(file.path);
      return { ...file, package: packageOf(file.path), bytes: BigInt(size) };
    },
    async hash({ path }) {
      return {
        sha256: createHash("sha256")
          .update(await readFile(path))
          .digest("hex"),
      };
    },
    async compress({ path, package: name, bytes }) {
      const compressed = deflateSync(await readFile(path), { level: 1 });
      return { package: name, bytes, compressedBytes: BigInt(compressed.length) };
    },
    report(found) {
      const share = found.bytes === 0n ? 100 : Number((found.compressedBytes * 100n) / found.bytes);
      return { ...found, verdict: `${found.files} files, ${share} % of their size when compressed` };
    },
  },
  { version: "1.0.0", concurrency: 8 },
);

/** node_modules/@scope/name/… or node_modules/name/… */
function packageOf(path: string): string {
  const [first = "", second = ""] = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length).split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}
