// What makes a datagram one of ours: version, network, and under a key the encryption that proves where it comes from.
//
//   open       version 1 | form 1 | network 4 | packet
//   sealed     version 1 | form 1 | network 4 | salt 12 | count 6 | sent at 4 | token 8 | encrypted packet | tag 16
//   challenge  like sealed, with the receiver's salt and the sender's token instead of a packet
//
// Sealed is AES-256-GCM. Every sender draws a salt when it starts, and its key is HKDF-SHA256 of the shared key and the
// salt (RFC 5869), so that the count, which is the nonce, never comes twice under one key (NIST SP 800-38D, 8.2.1).
//
// Replays. From a sender that was heard before, each count is taken once and none far below the greatest (RFC 4303,
// 3.4.3). An unknown sender's first datagram must be fresh: sent within a window of wall-clock time (what a replay in it
// could say is old news, which incarnations and versions make harmless), or bear the token that the receiver drew when
// it started. Whose clock is wrong gets that token in a challenge, so that skewed clocks cost one more datagram.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { ReplayWindow } from "./replay-window.ts";

/** Largest datagram; what is larger is split by networks on the way, and lost with any of its parts. */
export const DATAGRAM_BYTES = 1_200;

const VERSION = 1;
const FORM = { open: 0, sealed: 1, challenge: 2 } as const;

const PREFIX_BYTES = 6;
const SALT_BYTES = 12;
const COUNT_BYTES = 6;
const TOKEN_BYTES = 8;
const SALT_AT = PREFIX_BYTES;
const COUNT_AT = SALT_AT + SALT_BYTES;
const SENT_AT = COUNT_AT + COUNT_BYTES;
const TOKEN_AT = SENT_AT + 4;
const HEAD_BYTES = TOKEN_AT + TOKEN_BYTES;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** What is left for the packet, sealed or not. */
export const PACKET_BYTES = DATAGRAM_BYTES - HEAD_BYTES - TAG_BYTES;

/** Senders, and tokens of others, that are remembered; the one used longest ago makes room. */
const REMEMBERED = 4_096;

const NO_TOKEN = Buffer.alloc(TOKEN_BYTES);

export type Refusal =
  | "length"
  | "version"
  /** Of another network. */
  | "foreign"
  /** Without a key here, sealed; with one, not sealed. */
  | "unsealed"
  /** Another key, or changed on the way. */
  | "forged"
  /** A count that was there before. */
  | "replayed"
  /** An unknown sender's first, which may be an old one. */
  | "untimely";

export type Opened =
  | { readonly kind: "packet"; readonly packet: Uint8Array }
  /** For this seal itself. */
  | { readonly kind: "challenge" }
  /** `reply`: what would let the sender be heard. */
  | { readonly kind: "refused"; readonly why: Refusal; readonly reply?: Uint8Array };

export interface SealOptions {
  readonly network: string;
  /** 32 bytes each, the same on all nodes: the first is spoken under, all are heard. Empty: nothing is sealed. */
  readonly keys: readonly Uint8Array[];
  /** Wall-clock milliseconds. */
  readonly wallNow: () => number;
  readonly windowMs: number;
}

interface Sender {
  /** Made of each of the keys, in their order. */
  readonly keys: readonly Buffer[];
  readonly window: ReplayWindow;
}

export class Seal {
  readonly #options: Omit<SealOptions, "keys">;
  readonly #network: Buffer;
  #keys: readonly Uint8Array[];
  // Not of Env's randomness, which is not for secrets; no decision follows from them, so a replayed run stays the same.
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #token = randomBytes(TOKEN_BYTES);
  #ownKey: Buffer | undefined;
  #count = 0;
  readonly #senders = new Map<string, Sender>();
  /** What others want to see, by where they are. */
  readonly #tokens = new Map<string, Buffer>();

  constructor(options: SealOptions) {
    this.#options = options;
    this.#keys = options.keys;
    this.#ownKey = this.#keys[0] && senderKey(this.#keys[0], this.#salt);
    this.#network = createHash("sha256").update(options.network).digest().subarray(0, 4);
  }

  /** As many as before or fewer than all, never from none to some: who speaks openly goes on so. */
  rekey(keys: readonly Uint8Array[]): void {
    if (this.#ownKey === undefined || keys[0] === undefined) return;
    this.#keys = keys;
    this.#ownKey = senderKey(keys[0], this.#salt);
    // What was replayed stays so: the windows are kept.
    for (const [name, { window }] of this.#senders) {
      this.#senders.set(name, { keys: this.#keysOf(Buffer.from(name, "latin1")), window });
    }
  }

  /** `to`: names where it goes. */
  close(packet: Uint8Array, to: string): Uint8Array {
    if (this.#ownKey === undefined) return Buffer.concat([this.#prefix(FORM.open), packet]);
    return this.#encrypt(FORM.sealed, packet, this.#tokens.get(to) ?? NO_TOKEN, this.#ownKey);
  }

  /** Never throws, whatever the bytes. `from`: names where it came from. */
  open(datagram: Uint8Array, from: string): Opened {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
    const isOpen = this.#ownKey === undefined;
    if (bytes.length < PREFIX_BYTES || bytes.length > DATAGRAM_BYTES) return refused("length");
    if (bytes[0] !== VERSION) return refused("version");
    if ((bytes[1] === FORM.open) !== isOpen) return refused("unsealed");
    if (!bytes.subarray(2, PREFIX_BYTES).equals(this.#network)) return refused("foreign");
    if (isOpen) return { kind: "packet", packet: bytes.subarray(PREFIX_BYTES) };
    if (bytes.length < HEAD_BYTES + TAG_BYTES) return refused("length");
    return bytes[1] === FORM.challenge ? this.#openChallenge(bytes, from) : this.#openSealed(bytes);
  }

  #openSealed(bytes: Buffer): Opened {
    const salt = bytes.subarray(SALT_AT, COUNT_AT);
    const name = salt.toString("latin1");
    const count = bytes.readUIntBE(COUNT_AT, COUNT_BYTES);
    const known = this.#senders.get(name);
    if (known?.window.has(count)) return refused("replayed");
    const sender = known ?? { keys: this.#keysOf(salt), window: new ReplayWindow() };
    const packet = decryptBy(bytes, sender.keys);
    if (packet === undefined) return refused("forged");
    // Only what is authentic may take a sender's place in the memory, move its window, or be answered.
    if (known === undefined && !this.#isFresh(bytes)) {
      return { kind: "refused", why: "untimely", reply: this.#challenge(salt) };
    }
    sender.window.add(count);
    keep(this.#senders, name, sender);
    return { kind: "packet", packet };
  }

  #isFresh(bytes: Buffer): boolean {
    if (bytes.subarray(TOKEN_AT, HEAD_BYTES).equals(this.#token)) return true;
    const seconds = Math.abs(secondsOf(this.#options.wallNow()) - bytes.readUInt32BE(SENT_AT));
    return seconds * 1_000 <= this.#options.windowMs;
  }

  #challenge(salt: Buffer): Uint8Array {
    return this.#encrypt(FORM.challenge, Buffer.concat([salt, this.#token]), NO_TOKEN, this.#ownKey ?? Buffer.alloc(0));
  }

  /** Old ones do no harm: a wrong token is answered with the right one. */
  #openChallenge(bytes: Buffer, from: string): Opened {
    const challenge = decryptBy(bytes, this.#keysOf(bytes.subarray(SALT_AT, COUNT_AT)));
    if (challenge?.length !== SALT_BYTES + TOKEN_BYTES) return refused("forged");
    if (!challenge.subarray(0, SALT_BYTES).equals(this.#salt)) return refused("replayed");
    keep(this.#tokens, from, challenge.subarray(SALT_BYTES));
    return { kind: "challenge" };
  }

  #keysOf(salt: Uint8Array): readonly Buffer[] {
    return this.#keys.map((key) => senderKey(key, salt));
  }

  #encrypt(form: number, packet: Uint8Array, token: Buffer, key: Buffer): Uint8Array {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    this.#prefix(form).copy(head);
    this.#salt.copy(head, SALT_AT);
    head.writeUIntBE(++this.#count, COUNT_AT, COUNT_BYTES);
    head.writeUInt32BE(secondsOf(this.#options.wallNow()), SENT_AT);
    token.copy(head, TOKEN_AT);
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(head));
    cipher.setAAD(head);
    return Buffer.concat([head, cipher.update(packet), cipher.final(), cipher.getAuthTag()]);
  }

  #prefix(form: number): Buffer {
    return Buffer.from([VERSION, form, ...this.#network]);
  }
}

export function isKey(key: Uint8Array): boolean {
  return key.length === KEY_BYTES;
}

function refused(why: Refusal): Opened {
  return { kind: "refused", why };
}

function keep<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

function decryptBy(bytes: Buffer, keys: readonly Buffer[]): Buffer | undefined {
  for (const key of keys) {
    const packet = decrypt(bytes, key);
    if (packet !== undefined) return packet;
  }
  return undefined;
}

function decrypt(bytes: Buffer, key: Buffer): Buffer | undefined {
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(bytes), { authTagLength: TAG_BYTES });
  decipher.setAAD(bytes.subarray(0, HEAD_BYTES));
  decipher.setAuthTag(bytes.subarray(end));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function senderKey(shared: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, salt, "unum membership 1", KEY_BYTES));
}

/** Twelve bytes, of which the count makes up the last. */
function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  head.copy(nonce, 12 - COUNT_BYTES, COUNT_AT, SENT_AT);
  return nonce;
}

function secondsOf(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000)) % 2 ** 32;
}
