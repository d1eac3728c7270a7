// What a node's certificate says, and who is proved by it: read without the authority's own tools, so that every node can.

import { X509Certificate } from "node:crypto";
import { asError, Fault } from "../../base/fault.ts";
import { type PublicKey, publicKeyOf } from "../keys/signing-key.ts";

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const LONGEST_CHAIN_BYTES = 20_000;
/** Of an Ed25519 key in SPKI; the key's 32 bytes follow. */
const SPKI_HEAD_BYTES = 12;

export interface Leaf {
  /** The node's id. */
  readonly node: string;
  readonly key: PublicKey;
}

const NODE = /^CN=(n[a-z0-9]{1,31})$/m;
/** A computer, or a whole machine that is a node. */
export const ANY_NODE = /^CN=([nm][a-z0-9]{1,31})$/m;

/**
 * Whose the chain is: leaf and signer, PEM, that lead to the root. Throws the Fault `denied` where they do not, or name none
 * that is meant.
 */
export function leafOf(chain: string, root: string, meant = NODE): Leaf {
  try {
    const [leaf, issuer, ...more] = (chain.length > LONGEST_CHAIN_BYTES ? "" : chain).match(PEM) ?? [];
    if (leaf === undefined || issuer === undefined || more.length > 0) throw new Error("it is not two certificates");
    const [own, signer, top] = [new X509Certificate(leaf), new X509Certificate(issuer), new X509Certificate(root)];
    const leads = signer.ca && !own.ca && own.verify(signer.publicKey) && signer.verify(top.publicKey);
    if (!leads) throw new Error("it does not lead to the machine's root");
    const [, node] = meant.exec(own.subject) ?? [];
    if (node === undefined) throw new Error("it names no node");
    const spki = own.publicKey.export({ format: "der", type: "spki" });
    return { node, key: publicKeyOf(new Uint8Array(spki.subarray(SPKI_HEAD_BYTES))) };
  } catch (cause) {
    throw new Fault("denied", `a node's certificate proves nothing: ${asError(cause).message}`, { cause });
  }
}
