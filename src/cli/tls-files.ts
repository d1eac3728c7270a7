// Key and certificates from files, for tls:// addresses.

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { asError } from "../base/fault.ts";
import type { TlsSettings } from "../base/network.ts";
import { UsageError } from "./usage.ts";

export interface TlsFiles {
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly tlsCa?: string;
  readonly tlsName?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .option("--tls-key <file>", "private key (PEM), for tls:// addresses")
    .option("--tls-cert <file>", "certificate of that key (PEM)")
    .option("--tls-ca <file>", "who signed the other side's certificate (PEM)")
    .option("--tls-name <name>", "name the other side's certificate must carry, where it is not the host");
}

/** Undefined where none is given. Throws a UsageError where one is missing or cannot be read. */
export async function readTlsFiles({ tlsKey, tlsCert, tlsCa, tlsName }: TlsFiles): Promise<TlsSettings | undefined> {
  const given = { "--tls-key": tlsKey, "--tls-cert": tlsCert, "--tls-ca": tlsCa };
  if (tlsKey === undefined || tlsCert === undefined || tlsCa === undefined) {
    const missing = Object.entries(given).flatMap(([option, file]) => (file === undefined ? [option] : []));
    if (missing.length === 3) return undefined;
    throw new UsageError(`${missing.join(" and ")} is missing; TLS here is mutual and needs all three`);
  }
  const [key, cert, ca] = await Promise.all([
    readPem("--tls-key", tlsKey),
    readPem("--tls-cert", tlsCert),
    readPem("--tls-ca", tlsCa),
  ]);
  return { key, cert, ca, ...(tlsName === undefined ? {} : { serverName: tlsName }) };
}

async function readPem(option: string, file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw new UsageError(`${option}: cannot read ${file}: ${asError(thrown).message}`);
  });
  if (!text.includes("-----BEGIN ")) throw new UsageError(`${option}: ${file} is no PEM file`);
  return text;
}
