// The operator's key: $UNUM_HOME/keys/operator.pem, made at first use, for its owner's eyes alone.

import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asError, Fault } from "../../base/fault.ts";
import { publicKeyText } from "../../machine/archive/minisign.ts";
import { newSigningKey, readSigningKey, type SigningKey } from "../../machine/keys/signing-key.ts";
import { unumHome } from "../run-folder.ts";

export interface OwnKey {
  readonly key: SigningKey;
  /** Absolute. */
  readonly path: string;
  /** The public half, as minisign reads it. */
  readonly publicPath: string;
  readonly isNew: boolean;
}

/** Throws the Fault `denied` where others may read it. */
export async function ownKey(): Promise<OwnKey> {
  const path = join(unumHome(), "keys", "operator.pem");
  const publicPath = join(dirname(path), "operator.pub");
  const known = await read(path);
  if (known !== undefined) return { key: known, path, publicPath, isNew: false };
  const key = newSigningKey();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // Two commands at once make one key.
    await writeFile(path, key.secretPem, { mode: 0o600, flag: "wx" });
  } catch (thrown) {
    const other = await read(path);
    if (other === undefined) throw new Fault("invalid", `cannot write the key ${path}: ${asError(thrown).message}`);
    return { key: other, path, publicPath, isNew: false };
  }
  await writeFile(publicPath, publicKeyText(key));
  return { key, path, publicPath, isNew: true };
}

async function read(path: string): Promise<SigningKey | undefined> {
  const pem = await readFile(path, "utf8").catch(() => undefined);
  if (pem === undefined) return undefined;
  const { mode, uid } = await stat(path);
  if ((mode & 0o077) !== 0 || (process.getuid !== undefined && uid !== process.getuid())) {
    throw new Fault(
      "denied",
      `${path} can be read by others, so it is no secret; 'chmod 600' it, or remove it to get a new one`,
    );
  }
  return readSigningKey(pem);
}
