// Looks now and then whether a certificate of this node is old, and has it renewed.
//
//   old? ──▶ asked for ──▶ NAME.next, with both ──▶ NAME.key ──▶ NAME.crt ──▶ NAME.next removed ──▶ spoken with
//
// Invariants
//   N2. Key and certificate are on disk together or not at all: what power cuts is settled at the next start.

import { X509Certificate } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { MachineNode } from "../machine-node.ts";
import { ANY_NODE, leafOf } from "./leaf.ts";
import { ageOf, certificateAsked } from "./renewing.ts";
import { issuerAsked, issuerOf } from "./renewing-issuer.ts";

export const RENEWED_AT = 2 / 3;
const LOOK_EVERY_MS = 3_600_000;
const AGAIN_AFTER_MS = 10_000;

/** Asks whoever can sign it; rejects with what the last one said. */
export type Ask = (asked: ReturnType<typeof certificateAsked>["asked"]) => Promise<string>;

export interface RenewalParts {
  readonly clock: Clock;
  readonly log: Log;
  /** For people. */
  readonly what: string;
  /** Renews it where it is old. */
  readonly renew: () => Promise<void>;
}

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
    const { clock, log, what, renew } = this.#parts;
    let again = LOOK_EVERY_MS;
    try {
      await renew();
    } catch (error) {
      again = AGAIN_AFTER_MS;
      const text = `${what} is not renewed yet: ${asError(error).message}`;
      if (text !== this.#said) log.write("warn", text);
      this.#said = text;
    }
    if (!this.#isClosed) this.#timer = clock.after(again, () => void this.#look());
  }
}

/** Of the node's own certificate, or of a whole machine's where that is the node. */
export function nodeRenewal(machine: MachineNode, ask: Ask): Renewal {
  const { clock, log } = machine.settings.env;
  const renew = async () => {
    const { own } = machine;
    if (own === undefined || !isOld(own.cert, clock.wallNow())) return;
    const { key, asked } = certificateAsked({ machine: machine.settings.machine, own, now: clock.wallNow() });
    const cert = await ask(asked);
    if (leafOf(cert, own.root, ANY_NODE).node !== machine.settings.node)
      throw new Fault("invalid", "what a controller signed is not for this node");
    await keepCertificate(machine.settings, "node", { key, cert });
    machine.onRenewed({ key, cert, root: own.root });
    log.write("info", "this node's certificate was renewed");
  };
  return new Renewal({ clock, log, what: "this node's certificate", renew });
}

/** Of the certificate by which this controller signs others'. */
export function issuerRenewal(machine: MachineNode, ask: Ask): Renewal {
  const { env, issuing, machine: id, node } = machine.settings;
  const { clock, log } = env;
  const renew = async () => {
    const present = issuing?.present();
    if (issuing === undefined || present === undefined || !isOld(present.cert, clock.wallNow())) return;
    const { key, asked } = issuerAsked({ machine: id, issuer: present, now: clock.wallNow() });
    const cert = await ask(asked);
    const is = new X509Certificate(cert);
    if (issuerOf(cert, { machine: id, root: present.root }).node !== node || publicOf(is) !== asked.publicKey)
      throw new Fault("invalid", "what was signed is not for this controller");
    await keepCertificate(machine.settings, "issuer", { key, cert });
    issuing.take({ key, cert, root: present.root });
    log.write("info", "this controller's signing certificate was renewed");
  };
  return new Renewal({ clock, log, what: "this controller's signing certificate", renew });
}

function isOld(cert: string, now: number): boolean {
  return ageOf(cert, now) >= RENEWED_AT;
}

function publicOf({ publicKey }: X509Certificate): string {
  return publicKey.export({ format: "pem", type: "spki" }).toString();
}

/** N2 */
async function keepCertificate(
  { disk, folder }: { readonly disk: Disk; readonly folder: string },
  name: "node" | "issuer",
  { key, cert }: { readonly key: string; readonly cert: string },
): Promise<void> {
  const encoder = new TextEncoder();
  const at = (end: string) => `${folder}/identity/${name}.${end}`;
  await disk.replace(at("next"), encoder.encode(JSON.stringify({ key, cert })));
  await disk.replace(at("key"), encoder.encode(key));
  await disk.replace(at("crt"), encoder.encode(cert));
  await disk.remove(at("next"));
}
