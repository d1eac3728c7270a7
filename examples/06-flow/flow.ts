// Every file of node_modules: read, then hashed and compressed at the same time, then put together by package.
//
//   files ──▶ read ─┬─▶ hash ─────┬─▶ digest ──▶ by package ──▶ report ─▶ packages
//                   └─▶ compress ─┘

import { globSync } from "node:fs";
import { flow } from "unum/flows";
import { DigestSchema, FileSchema, Files, PackageSchema } from "./components/files/gen/files_pb.ts";

const { read, hash, compress, report } = Files.method;

export const packages = flow(
  "packages",
  ({ source, step, join, sink }) => {
    const file = source(FileSchema, "files").to(step("read", read));
    const hashed = file.to(step("hash", hash));
    const compressed = file.to(step("compress", compress, { attempts: 5, timeoutMs: 60_000 }));

    // One item was split over two steps: here its parts are one again.
    const digest = join("digest", { hashed, compressed }, DigestSchema, ({ hashed: [sum], compressed: [size] }) => ({
      package: size?.package ?? "",
      bytes: size?.bytes ?? 0n,
      compressedBytes: size?.compressedBytes ?? 0n,
      sha256: sum?.sha256 ?? "",
    }));

    // And all items of one package: known when nothing more can come.
    const grouped = join(
      "by package",
      { digest },
      PackageSchema,
      ({ digest: all }, { key }) => ({
        name: key,
        files: all.length,
        bytes: all.reduce((sum, { bytes }) => sum + bytes, 0n),
        compressedBytes: all.reduce((sum, each) => sum + each.compressedBytes, 0n),
      }),
      { of: "run", by: (each) => each.package },
    );
    grouped.to(step("report", report)).to(sink("packages"));
  },
  { version: "1.0.0", input: FileSchema },
);

/** What comes in where no --input is given. */
export function* input() {
  const folder = process.env["FLOW_FOLDER"] ?? "node_modules";
  for (const entry of globSync("**/*", { cwd: folder, withFileTypes: true })) {
    if (entry.isFile()) yield { path: `${entry.parentPath}/${entry.name}` };
  }
}
