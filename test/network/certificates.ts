// An authority and a certificate for each host, made by the openssl command, and the key that the nodes share.

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsFiles } from "../../src/cli/tls-files.ts";

export interface TestKeys {
  readonly folder: string;
  readonly gossipKey: string;
  tlsOf(ip: string): TlsFiles;
}

export function makeKeys(ips: readonly string[]): TestKeys {
  const folder = mkdtempSync(join(tmpdir(), "unum-keys-"));
  const openssl = (line: string) => execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "pipe" });
  openssl("req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=test-root -keyout ca.key -out ca.pem");
  for (const [number, ip] of ips.entries()) {
    openssl(`req -newkey ed25519 -nodes -subj /CN=${ip} -keyout ${ip}.key -out ${ip}.csr`);
    writeFileSync(join(folder, `${ip}.ext`), `subjectAltName=IP:${ip}\n`);
    openssl(
      `x509 -req -in ${ip}.csr -CA ca.pem -CAkey ca.key -set_serial ${number + 2} -days 2 -extfile ${ip}.ext -out ${ip}.pem`,
    );
  }
  openssl("rand -base64 -out gossip.key 32");
  const at = (file: string) => join(folder, file);
  return {
    folder,
    gossipKey: at("gossip.key"),
    tlsOf: (ip) => ({ tlsKey: at(`${ip}.key`), tlsCert: at(`${ip}.pem`), tlsCa: at("ca.pem") }),
  };
}
