// A node's certificate is renewed before it ends: the node makes another key and asks a controller, by the key that it has, to
// sign it. It goes on speaking under the old one until it has the new.
//
//   two thirds of its life over ──▶ new key ──▶ asked of a controller, signed by the old key ──▶ kept whole ──▶ spoken with
//
// A machine that is a node of another one does the same there. When to ask and what to keep stands in renewal.ts.
//
// Invariants
//   N1. A certificate is given for the node, and the hosts, that the present one names, to who holds that one's key; to nobody revoked.

import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { asError, Fault } from "../../base/fault.ts";
import type { CertificateAsked } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { isSignedBy, type PublicKey, readSigningKey } from "../keys/signing-key.ts";
import type { MachineNode } from "../machine-node.ts";
import { ANY_NODE, leafOf } from "./leaf.ts";

/** PEM. */
export interface OwnCertificate {
  readonly key: string;
  /** With that of who signed it. */
  readonly cert: string;
  readonly root: string;
}

const WINDOW_MS = 120_000;
const PURPOSE = "unum machine certificate 1";

/** How much of a certificate's life is over, 0 to 1 and more. */
export function ageOf(cert: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return (now - validFromDate.getTime()) / (validToDate.getTime() - validFromDate.getTime());
}

/** What a node asks with, and the key that it asks for. */
export function certificateAsked(of: { machine: string; own: OwnCertificate; now: number }) {
  return askedFor(PURPOSE, of);
}

/** `purpose`: what the signature is good for. */
export function askedFor(
  purpose: string,
  { machine, own, now }: { machine: string; own: Pick<OwnCertificate, "key" | "cert">; now: number },
) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const asked = {
    certificate: own.cert,
    publicKey: publicKey.export({ format: "pem", type: "spki" }).toString(),
    atMs: BigInt(Math.round(now)),
  };
  return { key, asked: { ...asked, signature: readSigningKey(own.key).sign(bytesOf(purpose, machine, asked)) } };
}

/** Throws the Fault `denied` where `key`, that of the present certificate, has not asked for it, or not now. */
export function checkAsked(
  purpose: string,
  asked: CertificateAsked,
  { machine, now, who, key }: { machine: string; now: number; who: string; key: PublicKey },
): void {
  if (!isSignedBy(key, bytesOf(purpose, machine, asked), asked.signature))
    throw new Fault("denied", `${who} has not signed it`);
  if (Math.abs(Number(asked.atMs) - now) > WINDOW_MS)
    throw new Fault("denied", "it was asked for too long ago, or the clocks differ too much");
}

/** A controller's answer: the new certificate. Throws the Fault `denied` or `invalid` that says why there is none. */
export async function renewed(machine: MachineNode, asked: CertificateAsked): Promise<string> {
  const { own, issue, env, machine: id, node: self } = machine.settings;
  if (own === undefined || issue === undefined)
    throw new Fault("denied", `node ${self} signs no certificates; a controller that lets others in does`);
  const { node, key } = leafOf(asked.certificate, own.root, ANY_NODE);
  const now = env.clock.wallNow();
  const what = `renew node/${node}`;
  try {
    if (machine.isRevoked(node)) throw new Fault("denied", `node ${node} was revoked`);
    checkAsked(PURPOSE, asked, { machine: id, now, who: `node ${node}`, key });
    const present = new X509Certificate(asked.certificate);
    if (present.validToDate.getTime() < now)
      throw new Fault("denied", `the certificate of node ${node} has ended; it joins again`);
    const hosts = hostsOf(present, node);
    const given = await issue({ node, machine: id, hosts, publicKey: asked.publicKey, now });
    await machine.note({ who: key.id, what, verdict: "done", why: "" });
    return given;
  } catch (error) {
    await machine.note({ who: key.id, what, verdict: "refused", why: asError(error).message });
    throw error;
  }
}

/** Of its names, but that which is the node's own. */
function hostsOf({ subjectAltName = "" }: X509Certificate, node: string): readonly string[] {
  const names = subjectAltName.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, ""));
  return names.filter((name) => name !== "" && name !== `${node}.unum`);
}

function bytesOf(
  purpose: string,
  machine: string,
  { certificate, publicKey, atMs }: Omit<CertificateAsked, "$typeName" | "signature">,
): Uint8Array {
  const present = createHash("sha256").update(certificate).digest("hex");
  return Buffer.from([purpose, machine, present, publicKey, atMs].join("\n"));
}
