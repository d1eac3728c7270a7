// Security: bodies travel as AES-256-GCM under a key that callers and containers share, whatever the transport.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { plugin } from "unum";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export default plugin({
  name: "seal-bodies",
  version: "1.0.0",
  kind: "security",
  open({ settings: { keyFile } }) {
    if (typeof keyFile !== "string") throw new TypeError("its setting 'keyFile' is missing: a file of 32 bytes");
    const key = readFileSync(keyFile);
    if (key.length !== 32) throw new TypeError(`${keyFile} has ${key.length} bytes, expected 32`);
    const fingerprint = createHash("sha256").update(key).digest("hex").slice(0, 8);
    return {
      name: `aes256-${fingerprint}`,
      seal(plain, about) {
        const nonce = randomBytes(NONCE_BYTES);
        const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
        return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      },
      open(sealed, about) {
        const end = sealed.length - TAG_BYTES;
        if (end < NONCE_BYTES) throw new RangeError("too short to be sealed");
        const cipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES));
        cipher.setAAD(Buffer.from(about)).setAuthTag(sealed.subarray(end));
        return Buffer.concat([cipher.update(sealed.subarray(NONCE_BYTES, end)), cipher.final()]);
      },
    };
  },
});
