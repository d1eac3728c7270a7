// The machine's own certificate authority. Ed25519 throughout; loaded by controllers only.
//
//   root, 10 years, at the founder ──▶ intermediate, 1 year, at each controller ──▶ leaf, 90 days, of each node
//
// Keys are made where they are used: of a node the authority sees its public half only.

import "reflect-metadata";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import { isIpAddress } from "../../base/datagrams.ts";
import { asError, Fault } from "../../base/fault.ts";

export interface Issuer {
  /** PKCS #8 PEM. */
  readonly key: string;
  /** PEM: its own certificate, which goes along with those that it signs. */
  readonly cert: string;
  /** PEM: the root. */
  readonly root: string;
}

export interface LeafWanted {
  readonly node: string;
  readonly machine: string;
  /** Names and addresses at which others reach it. */
  readonly hosts: readonly string[];
  /** SPKI PEM. */
  readonly publicKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const ALGORITHM = { name: "Ed25519" } as const;
const DAY_MS = 86_400_000;
const [ROOT_DAYS, ISSUER_DAYS, LEAF_DAYS] = [3_650, 365, 90];
/** Clocks of computers differ. */
const BACKDATED_MS = 3_600_000;
const KEY_PEM = /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]{1,200}-----END PUBLIC KEY-----\s*$/;

export interface RootKeeper {
  /** PKCS #8 PEM. */
  readonly rootKey: string;
  /** PEM: its certificate. */
  readonly root: string;
}

export interface IssuerWanted {
  readonly machine: string;
  /** The controller's node. */
  readonly node: string;
  /** SPKI PEM. */
  readonly publicKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A root and, for the founder, an intermediate under it; the root's own key stays with the founder. */
export async function newAuthority(
  machine: string,
  now: number,
  node = "founder",
): Promise<Issuer & { readonly rootKey: string }> {
  const [rootPair, issuerPair] = [newPair(), newPair()];
  const name = `CN=Unum machine ${machine}`;
  const root = await certificate({
    ...{
      subject: name,
      issuer: name,
      publicKey: rootPair.publicKey,
      signedWith: rootPair.privateKey,
      now,
      days: ROOT_DAYS,
    },
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), authorityUse()],
  });
  const rootKey = pemOf(rootPair.privateKey);
  const publicKey = issuerPair.publicKey.export({ format: "pem", type: "spki" }).toString();
  const cert = await issueIssuer({ rootKey, root }, { machine, node, publicKey, now });
  return { key: pemOf(issuerPair.privateKey), cert, root, rootKey };
}

/** The certificate by which a controller lets others in. Throws the Fault `invalid` for what is no key or name. */
export async function issueIssuer(
  { rootKey, root }: RootKeeper,
  { machine, node, publicKey, now }: IssuerWanted,
): Promise<string> {
  if (!/^[a-z0-9]{1,32}$/.test(node)) throw new Fault("invalid", `'${node.slice(0, 40)}' is no node's id`);
  return certificate({
    ...{ subject: `CN=controller ${node}, O=Unum machine ${machine}`, issuer: subjectOf(root), now, days: ISSUER_DAYS },
    ...{ publicKey: readPublic(publicKey), signedWith: createPrivateKey(rootKey) },
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), authorityUse()],
  });
}

export function newNodeKey(): { readonly key: string; readonly publicKey: string } {
  const { privateKey, publicKey } = newPair();
  return { key: pemOf(privateKey), publicKey: publicKey.export({ format: "pem", type: "spki" }).toString() };
}

/** The leaf and the certificate of who signed it, as one PEM text. Throws the Fault `invalid` for what is no key or name. */
export async function issueLeaf(issuer: Issuer, { node, machine, hosts, publicKey, now }: LeafWanted): Promise<string> {
  if (!/^[nm][a-z0-9]{1,31}$/.test(node)) throw new Fault("invalid", `'${node.slice(0, 40)}' is no node's id`);
  const names = hosts.map((host): { type: "ip" | "dns"; value: string } => {
    if (!/^[A-Za-z0-9.:-]{1,253}$/.test(host)) throw new Fault("invalid", `'${host.slice(0, 60)}' is no host`);
    return { type: isIpAddress(host) ? "ip" : "dns", value: host };
  });
  const leaf = await certificate({
    ...{ subject: `CN=${node}, O=Unum machine ${machine}`, issuer: subjectOf(issuer.cert), now, days: LEAF_DAYS },
    // What outlived its signer's would be good for nothing, and not be renewed in time.
    until: new x509.X509Certificate(issuer.cert).notAfter.getTime(),
    ...{ publicKey: readPublic(publicKey), signedWith: createPrivateKey(issuer.key) },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: `${node}.unum` }, ...names]),
    ],
  });
  return `${leaf}\n${issuer.cert}`;
}

/** SHA-256 of the certificate, in base64url: what a join token pins. */
export function rootHash(root: string): string {
  return createHash("sha256")
    .update(new Uint8Array(new x509.X509Certificate(root).rawData))
    .digest("base64url");
}

/** How much of the leaf's life is over, 0 to 1 and more. */
export function ageOf(leaf: string, now: number): number {
  const { notBefore, notAfter } = new x509.X509Certificate(leaf);
  return (now - notBefore.getTime()) / (notAfter.getTime() - notBefore.getTime());
}

async function certificate(of: {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signedWith: KeyObject;
  readonly now: number;
  readonly days: number;
  /** At the latest, in milliseconds since 1970. */
  readonly until?: number;
  readonly extensions: x509.Extension[];
}): Promise<string> {
  const made = await x509.X509CertificateGenerator.create(
    {
      // Positive, and drawn: no two alike.
      serialNumber: `4${createHash("sha256")
        .update(pemOf(of.signedWith))
        .update(of.publicKey.export({ format: "der", type: "spki" }))
        .update(String(of.now))
        .digest("hex")
        .slice(0, 30)}`,
      ...{ subject: of.subject, issuer: of.issuer, signingAlgorithm: ALGORITHM, extensions: of.extensions },
      notBefore: new Date(of.now - BACKDATED_MS),
      notAfter: new Date(Math.min(of.now + of.days * DAY_MS, of.until ?? Number.POSITIVE_INFINITY)),
      publicKey: await webKey(of.publicKey, "verify"),
      signingKey: await webKey(of.signedWith, "sign"),
    },
    // The types of Node's WebCrypto and of the DOM differ in names alone.
    webcrypto as unknown as Crypto,
  );
  return made.toString("pem");
}

function authorityUse(): x509.Extension {
  return new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);
}

async function webKey(key: KeyObject, use: "sign" | "verify"): Promise<CryptoKey> {
  const isSecret = use === "sign";
  const der = key.export(isSecret ? { format: "der", type: "pkcs8" } : { format: "der", type: "spki" });
  const format = isSecret ? "pkcs8" : "spki";
  // As above.
  return (await webcrypto.subtle.importKey(format, new Uint8Array(der), ALGORITHM, true, [
    use,
  ])) as unknown as CryptoKey;
}

function subjectOf(cert: string): string {
  return new x509.X509Certificate(cert).subject;
}

function readPublic(pem: string): KeyObject {
  if (!KEY_PEM.test(pem)) throw new Fault("invalid", "what should be a public key is none");
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new Fault("invalid", `the public key cannot be read: ${asError(cause).message}`, { cause });
  }
  throw new Fault("invalid", "the public key is not an Ed25519 key");
}

function newPair() {
  return generateKeyPairSync("ed25519");
}

function pemOf(key: KeyObject): string {
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}
