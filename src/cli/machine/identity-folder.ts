// Who this node is to others: $UNUM_HOME/machine/identity, for its owner's eyes alone.
//
//   node.key node.crt ca.pem gossip.key      every node of a machine of several computers
//   issuer.key issuer.crt root.key           at a controller, the last at the founder only

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TlsSettings } from "../../base/network.ts";
import type { Issuer } from "../../machine/identity/authority.ts";
import { machineFolder } from "./machine-file.ts";

export interface IdentityFiles {
  readonly tlsKey: string;
  readonly tlsCert: string;
  readonly tlsCa: string;
  readonly gossipKey: string;
}

const GOSSIP_KEY_BYTES = 32;
/** A certificate is renewed when so much of its life is over. */
const RENEWED_AT = 2 / 3;

export interface IdentityWanted {
  readonly machine: string;
  readonly node: string;
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A controller's: made where there is none, its certificate renewed where it is old or for other hosts. */
export async function controllerIdentity(wanted: IdentityWanted): Promise<IdentityFiles> {
  const { ageOf, issueLeaf, newAuthority, newNodeKey } = await import("../../machine/identity/authority.ts");
  if ((await readIdentity("ca.pem")) === undefined) {
    const { key, cert, root, rootKey } = await newAuthority(wanted.machine, wanted.now, wanted.node);
    await writeIdentity({ "root.key": rootKey, "issuer.key": key, "issuer.crt": cert });
    await writeIdentity({ "gossip.key": randomBytes(GOSSIP_KEY_BYTES).toString("base64"), "ca.pem": root });
  }
  await renewIssuer(wanted);
  const [cert, hosts] = [await readIdentity("node.crt"), wanted.hosts.join(" ")];
  const isFresh = cert !== undefined && ageOf(cert, wanted.now) < RENEWED_AT && (await readIdentity("hosts")) === hosts;
  const issuer = await issuerOfThisFolder();
  if (!isFresh && issuer !== undefined) {
    const { key, publicKey } = newNodeKey();
    const fresh = await issueLeaf(issuer, { ...wanted, publicKey });
    await writeIdentity({ "node.key": key, "node.crt": fresh, hosts });
  }
  return identityFiles();
}

/** Only the founder has the root's key. Certificates that the old one signed are good until they end: it is sent along with them. */
async function renewIssuer({ machine, node, now }: IdentityWanted): Promise<void> {
  const { ageOf, issueIssuer, newNodeKey } = await import("../../machine/identity/authority.ts");
  const [rootKey, issuer] = [await readIdentity("root.key"), await issuerOfThisFolder()];
  if (rootKey === undefined || issuer === undefined || ageOf(issuer.cert, now) < RENEWED_AT) return;
  const { key, publicKey } = newNodeKey();
  const cert = await issueIssuer({ rootKey, root: issuer.root }, { machine, node, publicKey, now });
  await writeIdentity({ "issuer.key": key, "issuer.crt": cert });
}

/** What a renewal had written whole when power failed is put where it belongs. `folder`: with an `identity` in it. */
export async function settleRenewals(folder = machineFolder()): Promise<void> {
  const identity = join(folder, "identity");
  for (const name of ["node", "issuer"]) {
    const next = join(identity, `${name}.next`);
    const text = await readFile(next, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const { key, cert } = JSON.parse(text);
    await writeInto(identity, { [`${name}.key`]: String(key), [`${name}.crt`]: String(cert) });
    await rm(next);
  }
}

export function identityFiles(): IdentityFiles {
  const at = (name: string) => join(identityFolder(), name);
  return { tlsKey: at("node.key"), tlsCert: at("node.crt"), tlsCa: at("ca.pem"), gossipKey: at("gossip.key") };
}

export async function issuerOfThisFolder(): Promise<Issuer | undefined> {
  const [key, cert, root] = await Promise.all(["issuer.key", "issuer.crt", "ca.pem"].map(readIdentity));
  return key === undefined || cert === undefined || root === undefined ? undefined : { key, cert, root };
}

export function identityFolder(): string {
  return join(machineFolder(), "identity");
}

/** Undefined where there is none. */
export async function readIdentity(name: string): Promise<string | undefined> {
  return readFile(join(identityFolder(), name), "utf8").catch(() => undefined);
}

/** By what this node, and who owns it, reaches the machine's other computers. Undefined where it was not opened to any. */
export async function ownTls(): Promise<TlsSettings | undefined> {
  const [key, cert, ca] = await Promise.all(["node.key", "node.crt", "ca.pem"].map(readIdentity));
  return key === undefined || cert === undefined || ca === undefined ? undefined : { key, cert, ca };
}

export function writeIdentity(files: Readonly<Record<string, string>>): Promise<void> {
  return writeInto(identityFolder(), files);
}

async function writeInto(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}
