// The key under which the machine's nodes gossip: made anew by a controller whenever a node was revoked, told to the others
// over mutual TLS, so that who was put out can neither speak nor listen any more.
//
//   made or told ──▶ kept on disk ──▶ heard at once, the one before too ──▶ spoken under after SPOKEN_AFTER_MS ──▶ heard alone
//
// Of two keys the one of the higher epoch counts, then the greater: controllers that make one at the same time come to the same.

import { createHash, randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";

export interface GossipKey {
  /** The counter of the revocation it answers; 0 for the first. */
  readonly epoch: bigint;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Until then the others have it, but those that are away. */
export const SPOKEN_AFTER_MS = 4_000;
/** What was sealed under the key before is heard so long. */
export const HEARD_FOR_MS = 20_000;
const KEY_BYTES = 32;
const EPOCH_LIMIT_BYTES = 64;

export interface GossipKeysParts {
  readonly clock: Clock;
  readonly disk: Disk;
  /** Absolute. */
  readonly folder: string;
  /** The first is spoken under, all are heard. */
  readonly changed: (keys: readonly Uint8Array[]) => void;
}

export class GossipKeys {
  readonly #parts: GossipKeysParts;
  #newest: GossipKey | undefined;
  #timers: readonly Timer[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: GossipKeysParts) {
    this.#parts = parts;
  }

  get newest(): GossipKey | undefined {
    return this.#newest;
  }

  /** Which one is here; empty where none is. To be compared by `isNewer`. */
  get mark(): string {
    return this.#newest === undefined ? "" : markOf(this.#newest);
  }

  /** `key`: what the node was started with. */
  async open(key: Uint8Array | undefined): Promise<void> {
    if (key === undefined) return;
    const bytes = await this.#parts.disk.read(`${this.#parts.folder}/gossip.epoch`, EPOCH_LIMIT_BYTES);
    const text = new TextDecoder().decode(bytes).trim();
    this.#newest = { epoch: /^\d{1,20}$/.test(text) ? BigInt(text) : 0n, key };
  }

  /** A node was revoked: settles when the new key is kept. */
  async renew(epoch: bigint): Promise<void> {
    if (this.#newest === undefined || this.#newest.epoch >= epoch) return;
    await this.take({ epoch, key: new Uint8Array(randomBytes(KEY_BYTES)) });
  }

  /** From another node. What is no newer is passed over. */
  async take(told: GossipKey): Promise<void> {
    const before = this.#newest;
    if (before === undefined || told.key.length !== KEY_BYTES || !isNewer(markOf(told), markOf(before))) return;
    this.#newest = told;
    const { clock, changed } = this.#parts;
    for (const timer of this.#timers) timer.cancel();
    changed([before.key, told.key]);
    this.#timers = [
      clock.after(SPOKEN_AFTER_MS, () => changed([told.key, before.key])),
      clock.after(HEARD_FOR_MS, () => changed([told.key])),
    ];
    this.#writing = this.#writing.then(() => this.#write(told)).catch(() => {});
    await this.#writing;
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  /** The key first: with it and an old epoch a node only takes the same key again. */
  async #write({ epoch, key }: GossipKey): Promise<void> {
    const { disk, folder } = this.#parts;
    const encoder = new TextEncoder();
    await disk.replace(`${folder}/gossip.key`, encoder.encode(`${Buffer.from(key).toString("base64")}\n`));
    await disk.replace(`${folder}/gossip.epoch`, encoder.encode(`${epoch}\n`));
  }
}

/** Shows nothing of the key. */
function markOf({ epoch, key }: GossipKey): string {
  return `${String(epoch).padStart(20, "0")}.${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

export function isNewer(mark: string, than: string): boolean {
  return mark > than;
}
