// A node's certificate is renewed before it ends: the node makes another key and asks a controller, by the key that it has, to
// sign it. It goes on speaking under the old one until it has the new.
//
//   two thirds of its life over ──▶ new key ──▶ asked of a controller, signed by the old key ──▶ kept whole ──▶ spoken with
//
// Invariants
//   N1. A certificate is given for the node, and the hosts, that the present one names, to who holds that one's key; to nobody revoked.
//   N2. Key and certificate are on disk together or not at all: what power cuts is settled at the next start.

import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { CertificateAsked } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { isSignedBy, readSigningKey } from "../keys/signing-key.ts";
import type { MachineNode } from "../machine-node.ts";
import { leafOf } from "./leaf.ts";

/** PEM. */
export interface OwnCertificate {
  readonly key: string;
  /** With that of who signed it. */
  readonly cert: string;
  readonly root: string;
}

export const RENEWED_AT = 2 / 3;
const LOOK_EVERY_MS = 3_600_000;
const AGAIN_AFTER_MS = 10_000;
const WINDOW_MS = 120_000;
const PURPOSE = "unum machine certificate 1";

/** How much of a certificate's life is over, 0 to 1 and more. */
export function ageOf(cert: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return (now - validFromDate.getTime()) / (validToDate.getTime() - validFromDate.getTime());
}

/** What a node asks with, and the key that it asks for. */
export function certificateAsked(of: { machine: string; own: OwnCertificate; now: number }) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const asked = {
    certificate: of.own.cert,
    publicKey: publicKey.export({ format: "pem", type: "spki" }).toString(),
    atMs: BigInt(Math.round(of.now)),
  };
  return { key, asked: { ...asked, signature: readSigningKey(of.own.key).sign(bytesOf(of.machine, asked)) } };
}

/** A controller's answer: the new certificate. Throws the Fault `denied` or `invalid` that says why there is none. */
export async function renewed(machine: MachineNode, asked: CertificateAsked): Promise<string> {
  const { own, issue, env, machine: id, node: self } = machine.settings;
  if (own === undefined || issue === undefined)
    throw new Fault("denied", `node ${self} signs no certificates; a controller that lets others in does`);
  const { node, key } = leafOf(asked.certificate, own.root);
  const now = env.clock.wallNow();
  const what = `renew node/${node}`;
  try {
    if (machine.isRevoked(node)) throw new Fault("denied", `node ${node} was revoked`);
    if (!isSignedBy(key, bytesOf(id, asked), asked.signature))
      throw new Fault("denied", `node ${node} has not signed it`);
    if (Math.abs(Number(asked.atMs) - now) > WINDOW_MS)
      throw new Fault("denied", "it was asked for too long ago, or the clocks differ too much");
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

export interface RenewalParts {
  readonly clock: Clock;
  readonly machine: MachineNode;
  /** Asks the controllers in turn; rejects with what the last one said. */
  readonly ask: (asked: ReturnType<typeof certificateAsked>["asked"]) => Promise<string>;
}

/** Looks now and then whether the node's own certificate is old. */
export class Renewal {
  readonly #parts: RenewalParts;
  #timer: Timer | undefined;
  #isClosed = false;
  #said = "";

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { clock, machine } = this.#parts;
    let again = LOOK_EVERY_MS;
    try {
      await this.#renew();
    } catch (error) {
      again = AGAIN_AFTER_MS;
      const text = `this node's certificate is not renewed yet: ${asError(error).message}`;
      if (text !== this.#said) machine.settings.env.log.write("warn", text);
      this.#said = text;
    }
    if (!this.#isClosed) this.#timer = clock.after(again, () => void this.#look());
  }

  async #renew(): Promise<void> {
    const { clock, machine, ask } = this.#parts;
    const { own } = machine;
    if (own === undefined || ageOf(own.cert, clock.wallNow()) < RENEWED_AT) return;
    const { key, asked } = certificateAsked({ machine: machine.settings.machine, own, now: clock.wallNow() });
    const cert = await ask(asked);
    const fresh = { key, cert, root: own.root };
    if (leafOf(cert, own.root).node !== machine.settings.node)
      throw new Fault("invalid", "what a controller signed is not for this node");
    await keepCertificate(machine, fresh);
    machine.onRenewed(fresh);
    machine.settings.env.log.write("info", "this node's certificate was renewed");
  }
}

/** N2: `node.next` holds both until they are where they belong. */
async function keepCertificate(
  { settings: { disk, folder } }: MachineNode,
  { key, cert }: OwnCertificate,
): Promise<void> {
  const encoder = new TextEncoder();
  const at = (name: string) => `${folder}/identity/${name}`;
  await disk.replace(at("node.next"), encoder.encode(JSON.stringify({ key, cert })));
  await disk.replace(at("node.key"), encoder.encode(key));
  await disk.replace(at("node.crt"), encoder.encode(cert));
  await disk.remove(at("node.next"));
}

/** Of its names, but that which is the node's own. */
function hostsOf({ subjectAltName = "" }: X509Certificate, node: string): readonly string[] {
  const names = subjectAltName.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, ""));
  return names.filter((name) => name !== "" && name !== `${node}.unum`);
}

function bytesOf(
  machine: string,
  { certificate, publicKey, atMs }: Omit<CertificateAsked, "$typeName" | "signature">,
): Uint8Array {
  const present = createHash("sha256").update(certificate).digest("hex");
  return Buffer.from([PURPOSE, machine, present, publicKey, atMs].join("\n"));
}
