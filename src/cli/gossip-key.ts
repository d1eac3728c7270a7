// The key that nodes of one network share, from a file: with it they hear each other's datagrams, and nobody else's.

import { readFile } from "node:fs/promises";
import { asError } from "../base/fault.ts";
import { UsageError } from "./usage.ts";

const KEY_BYTES = 32;

/** 32 bytes, as they are or in base64 or hexadecimal digits. Throws a UsageError that says how one is made. */
export async function readGossipKey(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((thrown: unknown) => {
    throw new UsageError(`--gossip-key: cannot read ${file}: ${asError(thrown).message}`);
  });
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString("latin1").trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, "base64");
  throw new UsageError(
    `--gossip-key: ${file} holds no key of ${KEY_BYTES} bytes; make one with 'openssl rand -base64 ${KEY_BYTES} > FILE'`,
  );
}
