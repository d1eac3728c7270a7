// Keys that sign: Ed25519, named by a hash of their public half.
//
// A key's text is a PKCS #8 or SPKI PEM, so that any tool can read it. Its id is what signatures, grants and records name it by.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { asError, Fault } from "../../base/fault.ts";

export interface PublicKey {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes. */
  readonly raw: Uint8Array;
}

export interface SigningKey extends PublicKey {
  sign(bytes: Uint8Array): Uint8Array;
  /** PKCS #8 PEM: the secret itself. */
  readonly secretPem: string;
}

const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const RAW_BYTES = 32;
const ID_BYTES = 8;

export function newSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync("ed25519").privateKey);
}

/** Throws the Fault `invalid` where the text is no Ed25519 key. */
export function readSigningKey(pem: string): SigningKey {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return signingKeyOf(key);
  } catch (cause) {
    throw new Fault("invalid", `the key cannot be read: ${asError(cause).message}`, { cause });
  }
  throw new Fault("invalid", "the key is not an Ed25519 key; make one with 'unum keys --new'");
}

/** Throws the Fault `invalid` where it has not 32 bytes. */
export function publicKeyOf(raw: Uint8Array): PublicKey {
  if (raw.length !== RAW_BYTES) throw new Fault("invalid", `a public key has ${RAW_BYTES} bytes, not ${raw.length}`);
  return { id: keyIdOf(raw).toString("hex"), raw };
}

export function keyIdOf(raw: Uint8Array): Buffer {
  return createHash("sha256").update(raw).digest().subarray(0, ID_BYTES);
}

/** Whether the key signed the bytes. */
export function isSignedBy({ raw }: Pick<PublicKey, "raw">, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (raw.length !== RAW_BYTES || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: "der", type: "spki" });
    return verify(null, bytes, key, signature);
  } catch {
    // Not every 32 bytes are a point of the curve.
    return false;
  }
}

function signingKeyOf(secret: KeyObject): SigningKey {
  const raw = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length);
  return {
    ...publicKeyOf(new Uint8Array(raw)),
    sign: (bytes) => new Uint8Array(sign(null, bytes, secret)),
    secretPem: secret.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}
