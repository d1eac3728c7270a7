// Certificates for tests: an authority and one leaf for this computer, made once by the openssl command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TlsSettings } from "../../base/network.ts";

let made: TlsSettings | undefined;

export function testCertificates(): TlsSettings {
  made ??= make();
  return made;
}

function make(): TlsSettings {
  const folder = mkdtempSync(path.join(tmpdir(), "unum-ca-"));
  const openssl = (line: string) => execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "pipe" });
  const read = (name: string) => readFileSync(path.join(folder, name), "utf8");
  try {
    openssl("req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=test-root -keyout ca.key -out ca.pem");
    openssl("req -newkey ed25519 -nodes -subj /CN=leaf -keyout leaf.key -out leaf.csr");
    writeFileSync(path.join(folder, "leaf.ext"), "subjectAltName=IP:127.0.0.1\n");
    openssl("x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 2 -extfile leaf.ext -out leaf.pem");
    return { key: read("leaf.key"), cert: read("leaf.pem"), ca: read("ca.pem") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
