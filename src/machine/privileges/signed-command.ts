// Commands that are no records (drain, limits, deploy, what is shown): signed by who gives them, for one node, one call and
// a short time, and judged at that node.
//
//   command: request ──▶ machine, node, path, end, nonce, body ──▶ signed ──▶ carried beside the request
//   node:    signature ▸ for this node ▸ in time ▸ never seen ▸ role ──▶ done, and written down
//
// Invariants
//   S1. What is signed for one node, path or body is good for no other.
//   S2. A command is done once: its nonce is remembered as long as it would be good. Where there is no room for one more,
//       commands are refused, not forgotten.

import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import { newId, type Random } from "../../base/random.ts";
import { bodyBytes } from "../../messages/body.ts";
import type { Envelope, Meta } from "../../messages/envelope.ts";
import type { Transport } from "../../transports/transport.ts";
import { isSignedBy, type PublicKey, publicKeyOf, type SigningKey } from "../keys/signing-key.ts";
import { ruleOf } from "./commands.ts";

const PURPOSE = "unum machine command 1";
const HEADER = "unum-command";
/** How long a command is good. Clocks of computers may differ by as much as the window is wider. */
export const GOOD_FOR_MS = 30_000;
const WINDOW_MS = 120_000;
export const MOST_REMEMBERED = 20_000;
const NONCE = /^[a-z0-9]{8,40}$/;

export interface Meant {
  readonly machine: string;
  readonly node: string;
}

/** A transport that signs what needs a role. `meant`: asked before the first such call to an address. */
export function signing(
  transport: Transport,
  of: {
    readonly key: () => Promise<SigningKey>;
    /** Undefined where nothing has to be signed. */
    readonly meant: () => Promise<Meant | undefined>;
    readonly clock: Pick<Clock, "wallNow">;
    readonly random: Random;
  },
): Transport {
  const signed = async (request: Envelope): Promise<Envelope> => {
    const meant = await of.meant();
    if (meant === undefined) return request;
    const key = await of.key();
    const { machine, node } = meant;
    const about = {
      machine,
      node,
      expiresMs: Math.round(of.clock.wallNow() + GOOD_FOR_MS),
      nonce: newId(of.random, ""),
    };
    const signature = key.sign(bytesOf(request, about));
    const parts = [Buffer.from(key.raw), String(about.expiresMs), about.nonce, Buffer.from(signature)];
    const text = parts.map((part) => (typeof part === "string" ? part : part.toString("base64url"))).join(".");
    return { ...request, meta: { ...request.meta, [HEADER]: text } };
  };
  return {
    schemes: transport.schemes,
    listen: (at, receive) => transport.listen(at, receive),
    send: (to, request) => {
      if (ruleOf(request.to)?.needs !== "role") return transport.send(to, request);
      return signed(request).then((ready) => {
        const sent = transport.send(to, ready);
        if (sent === undefined) throw new Fault("invalid", `${to} is no address that is served`);
        return sent;
      });
    },
    close: () => transport.close(),
  };
}

export interface Proved {
  readonly key: PublicKey;
  readonly expiresMs: number;
  readonly nonce: string;
}

export class CommandGate {
  readonly #meant: Meant;
  readonly #wallNow: () => number;
  /** Nonce → when it is good no more. */
  readonly #seen = new Map<string, number>();

  constructor(meant: Meant, wallNow: () => number) {
    this.#meant = meant;
    this.#wallNow = wallNow;
  }

  /** Who has signed it, for this node and this very call. Throws the Fault `denied`. */
  prove(request: Envelope): Proved {
    const told = commandIn(request.meta);
    if (told === undefined) throw new Fault("denied", "it is signed by no key");
    const { key, expiresMs, nonce, signature } = told;
    if (!isSignedBy(key, bytesOf(request, { ...this.#meant, expiresMs, nonce }), signature))
      throw new Fault("denied", `key ${key.id} has not signed it for this node`);
    return { key, expiresMs, nonce };
  }

  /** In time, and never before. Throws the Fault `denied` or `overloaded`. */
  once({ expiresMs, nonce }: Proved): void {
    const now = this.#wallNow();
    if (expiresMs <= now) throw new Fault("denied", `it was good until ${iso(expiresMs)}, and is over`);
    if (expiresMs > now + WINDOW_MS)
      throw new Fault("denied", `it is good until ${iso(expiresMs)}, longer than a command may be; compare the clocks`);
    if (this.#seen.has(nonce)) throw new Fault("denied", "it was given before");
    this.#sweep(now);
    if (this.#seen.size >= MOST_REMEMBERED) throw new Fault("overloaded", `${MOST_REMEMBERED} commands a minute`);
    this.#seen.set(nonce, expiresMs);
  }

  #sweep(now: number): void {
    if (this.#seen.size < MOST_REMEMBERED) return;
    for (const [nonce, expiresMs] of this.#seen) if (expiresMs <= now) this.#seen.delete(nonce);
  }
}

function commandIn(meta: Meta | undefined) {
  const [key = "", expires = "", nonce = "", signature = "", ...more] = (meta?.[HEADER] ?? "").split(".");
  if (!/^\d{1,16}$/.test(expires) || !NONCE.test(nonce) || more.length > 0) return undefined;
  const raw = new Uint8Array(Buffer.from(key, "base64url"));
  if (raw.length !== 32) return undefined;
  const signed = new Uint8Array(Buffer.from(signature, "base64url"));
  return { key: publicKeyOf(raw), expiresMs: Number(expires), nonce, signature: signed };
}

function bytesOf(
  { to, value }: Envelope,
  { machine, node, expiresMs, nonce }: Meant & { readonly expiresMs: number; readonly nonce: string },
): Uint8Array {
  const body = createHash("sha256")
    .update(value === undefined ? new Uint8Array() : bodyBytes(value))
    .digest("hex");
  return Buffer.from([PURPOSE, machine, node, to, expiresMs, nonce, body].join("\n"));
}

function iso(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
