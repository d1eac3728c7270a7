// Signatures of files as the program minisign makes and checks them (https://jedisct1.github.io/minisign/).
//
//   untrusted comment: …
//   base64( "ED" · key id, 8 bytes · signature of the file's BLAKE2b-512 )
//   trusted comment: …
//   base64( signature of the signature and the trusted comment )

import { createHash } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { isSignedBy, keyIdOf, type PublicKey, publicKeyOf, type SigningKey } from "../keys/signing-key.ts";

/** More than a signature file ever has. */
export const SIGNATURE_LIMIT_BYTES = 4_096;

const [UNTRUSTED, TRUSTED] = ["untrusted comment: ", "trusted comment: "];
/** Of a prehashed signature, and of a public key. */
const [PREHASHED, PLAIN] = ["ED", "Ed"];

export function signFile(bytes: Uint8Array, key: SigningKey, comment: string): string {
  const signature = key.sign(prehash(bytes));
  const head = Buffer.concat([Buffer.from(PREHASHED), keyIdOf(key.raw), signature]);
  const whole = key.sign(Buffer.concat([signature, Buffer.from(comment)]));
  return [
    `${UNTRUSTED}signature of unum key ${key.id}`,
    head.toString("base64"),
    `${TRUSTED}${comment}`,
    Buffer.from(whole).toString("base64"),
    "",
  ].join("\n");
}

/** As `minisign -p` reads it. */
export function publicKeyText(key: PublicKey): string {
  const body = Buffer.concat([Buffer.from(PLAIN), keyIdOf(key.raw), key.raw]).toString("base64");
  return `${UNTRUSTED}unum public key ${key.id}\n${body}\n`;
}

/** Throws the Fault `invalid` where the text is no public key. Its first line may be missing. */
export function readPublicKey(text: string): PublicKey {
  const line = text.trim().split("\n").at(-1) ?? "";
  const bytes = Buffer.from(line, "base64");
  if (bytes.length !== 42 || bytes.subarray(0, 2).toString("latin1") !== PLAIN) {
    throw new Fault("invalid", `'${line.slice(0, 60)}' is no public key; 'unum keys' prints yours`);
  }
  return publicKeyOf(new Uint8Array(bytes.subarray(10)));
}

export interface Verified {
  readonly key: PublicKey;
  readonly comment: string;
}

/**
 * Who of `trusted` signed the file. Throws the Fault `denied` where none did, or where anything in the signature does not
 * fit: nothing of the file may be looked at then.
 */
export function verifyFile(bytes: Uint8Array, signatureText: string, trusted: readonly PublicKey[]): Verified {
  const lines = signatureText.split("\n");
  const [first = "", head = "", third = "", whole = ""] = lines;
  const isWhole = lines.length <= 5 && (lines[4] ?? "") === "";
  const packet = Buffer.from(head, "base64");
  if (!isWhole || !first.startsWith(UNTRUSTED) || !third.startsWith(TRUSTED) || packet.length !== 74) {
    throw new Fault("denied", "the signature is none that minisign or 'unum pack' writes");
  }
  if (packet.toString("base64") !== head || packet.subarray(0, 2).toString("latin1") !== PREHASHED) {
    throw new Fault("denied", "the signature is of another kind than a prehashed one of minisign");
  }
  const id = packet.subarray(2, 10).toString("hex");
  const key = trusted.find((each) => keyIdOf(each.raw).toString("hex") === id);
  if (key === undefined) {
    throw new Fault("denied", `signed by key ${id}, which is not trusted here; 'unum grant' lets a key deploy`);
  }
  const signature = new Uint8Array(packet.subarray(10));
  const comment = third.slice(TRUSTED.length);
  const global = Buffer.from(whole, "base64");
  if (!isSignedBy(key, prehash(bytes), signature)) {
    throw new Fault("denied", `the archive is not what key ${id} signed: it was changed or damaged on its way`);
  }
  if (
    global.toString("base64") !== whole ||
    !isSignedBy(key, Buffer.concat([signature, Buffer.from(comment)]), global)
  ) {
    throw new Fault("denied", `the comment of the signature is not what key ${id} signed`);
  }
  return { key, comment };
}

function prehash(bytes: Uint8Array): Buffer {
  return createHash("blake2b512").update(bytes).digest();
}
