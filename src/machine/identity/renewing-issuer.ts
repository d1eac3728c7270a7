// The certificate by which a controller signs others' is renewed before it ends: by the node that has the root's key, which is asked
// by the key that the present one is of.
//
// Invariants
//   I1. One is given for the controller that the present one names, to who holds that one's key; to nobody revoked.
//   I2. What the present one has signed stays good until it ends: it is sent along with that.

import { X509Certificate } from "node:crypto";
import { asError, Fault } from "../../base/fault.ts";
import type { CertificateAsked } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { type PublicKey, publicKeyOf } from "../keys/signing-key.ts";
import type { MachineNode } from "../machine-node.ts";
import type { Issuer, IssuerWanted } from "./authority.ts";
import { askedFor, checkAsked } from "./renewing.ts";

/** How a controller signs, as it is now. */
export interface Issuing {
  present(): Issuer;
  /** From now on by this one. */
  take(fresh: Issuer): void;
  /** Only where the root's key is. */
  readonly sign?: (wanted: IssuerWanted) => Promise<string>;
}

const PURPOSE = "unum machine issuer 1";
const LONGEST_BYTES = 10_000;
const SPKI_HEAD_BYTES = 12;

/** What a controller asks with, and the key that it asks for. */
export function issuerAsked(of: { machine: string; issuer: Issuer; now: number }) {
  return askedFor(PURPOSE, { machine: of.machine, own: of.issuer, now: of.now });
}

/** Whose it is: a signer's certificate that the root has signed. Throws the Fault `denied` where it is none. */
export function issuerOf(
  cert: string,
  { machine, root }: { machine: string; root: string },
): { readonly node: string; readonly key: PublicKey } {
  try {
    if (cert.length > LONGEST_BYTES) throw new Error("it is too long");
    const [own, top] = [new X509Certificate(cert), new X509Certificate(root)];
    if (!own.ca || !own.verify(top.publicKey)) throw new Error("the machine's root has not signed it");
    const [, node] = /^CN=controller (n[a-z0-9]{1,31})$/m.exec(own.subject) ?? [];
    if (node === undefined || !own.subject.split("\n").includes(`O=Unum machine ${machine}`))
      throw new Error("it names no controller of this machine");
    const spki = own.publicKey.export({ format: "der", type: "spki" });
    return { node, key: publicKeyOf(new Uint8Array(spki.subarray(SPKI_HEAD_BYTES))) };
  } catch (cause) {
    throw new Fault("denied", `a controller's certificate proves nothing: ${asError(cause).message}`, { cause });
  }
}

/** The answer of who has the root's key. Throws the Fault `denied` or `invalid` that says why there is none. */
export async function renewedIssuer(machine: MachineNode, asked: CertificateAsked): Promise<string> {
  const { issuing, env, machine: id, node: self } = machine.settings;
  const sign = issuing?.sign;
  if (issuing === undefined || sign === undefined)
    throw new Fault("denied", `node ${self} has not the root's key; the machine's first node has`);
  const { node, key } = issuerOf(asked.certificate, { machine: id, root: issuing.present().root });
  const now = env.clock.wallNow();
  const what = `renew controller/${node}`;
  try {
    if (machine.isRevoked(node)) throw new Fault("denied", `node ${node} was revoked`);
    checkAsked(PURPOSE, asked, { machine: id, now, who: `controller ${node}`, key });
    if (new X509Certificate(asked.certificate).validToDate.getTime() < now)
      throw new Fault("denied", `the signing certificate of controller ${node} has ended; it joins again`);
    const given = await sign({ machine: id, node, publicKey: asked.publicKey, now });
    await machine.note({ who: key.id, what, verdict: "done", why: "" });
    return given;
  } catch (error) {
    await machine.note({ who: key.id, what, verdict: "refused", why: asError(error).message });
    throw error;
  }
}
