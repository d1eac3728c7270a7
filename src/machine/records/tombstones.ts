// Tombstones: records of what was removed, kept until every node that is part of the machine has acted upon them, then given up.
//
//   removed ──▶ each node acts, and says so in its reports ──▶ all have ──▶ given up, remembered while this process lives
//
// Invariants
//   T1. A tombstone is given up only where every node that was ever heard of, and was not revoked, says that it has acted upon it;
//       who is away keeps it. Which nodes there are outlasts restarts.
//   T2. What is older than a tombstone that was given up is not taken again from whoever brings it.
//   T3. How far records were counted outlasts them: who writes the next of that name is not taken for older.
//   T4. Where a node comes back with what is older, since a loss of power brought removed files back, who remembers tells it again.

import type { Disk } from "../../base/disk.ts";
import { compareRecords } from "./record-set.ts";
import type { KnownRecord } from "./signed-record.ts";

const COUNTER_LIMIT_BYTES = 64;
const MEMBERS_LIMIT_BYTES = 4 * 2 ** 20;
/** Given up, and remembered. */
const REMEMBERED = 10_000;

export interface TombstoneParts {
  readonly disk: Disk;
  /** Absolute. */
  readonly folder: string;
  /** This node. */
  readonly node: string;
}

/** What a node says that it has acted upon: digests. */
export interface Acknowledged {
  readonly node: string;
  readonly removed: readonly string[];
}

export class Tombstones {
  readonly #parts: TombstoneParts;
  /** Ever heard of, this node left out. */
  #members = new Set<string>();
  readonly #given = new Map<string, KnownRecord>();
  #counter = 0n;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: TombstoneParts) {
    this.#parts = parts;
  }

  /** Answers with how far records were counted that were given up (T3). */
  async open(): Promise<bigint> {
    const bytes = await this.#parts.disk.read(this.#path, MEMBERS_LIMIT_BYTES);
    const text = new TextDecoder().decode(bytes ?? new Uint8Array());
    this.#members = new Set(text.split("\n").filter((node) => /^n[a-z0-9]{1,31}$/.test(node)));
    const counted = new TextDecoder()
      .decode(await this.#parts.disk.read(this.#counterPath, COUNTER_LIMIT_BYTES))
      .trim();
    this.#counter = /^\d{1,20}$/.test(counted) ? BigInt(counted) : 0n;
    return this.#counter;
  }

  /** A node was heard of. */
  heard(node: string): void {
    if (node === this.#parts.node || this.#members.has(node)) return;
    this.#members.add(node);
    const { disk } = this.#parts;
    const text = `${[...this.#members].join("\n")}\n`;
    this.#writing = this.#writing.then(() => disk.replace(this.#path, new TextEncoder().encode(text))).catch(() => {});
  }

  /** T1: those of the tombstones that may be given up now. `isOut`: of nodes that were revoked. */
  settled(
    tombstones: readonly KnownRecord[],
    reports: readonly Acknowledged[],
    isOut: (node: string) => boolean,
  ): readonly KnownRecord[] {
    const has = new Map(reports.map(({ node, removed }) => [node, new Set(removed)]));
    const members = [...this.#members].filter((node) => !isOut(node));
    return tombstones.filter(({ digest }) => members.every((node) => has.get(node)?.has(digest) === true));
  }

  async giveUp(tombstone: KnownRecord): Promise<void> {
    const { name, counter } = tombstone.record;
    if (counter > this.#counter) {
      this.#counter = counter;
      await this.#parts.disk.replace(this.#counterPath, new TextEncoder().encode(`${counter}\n`));
    }
    this.#given.delete(name);
    this.#given.set(name, tombstone);
    const [oldest] = this.#given.keys();
    if (this.#given.size > REMEMBERED && oldest !== undefined) this.#given.delete(oldest);
  }

  /** T2: what was given up that the record is not newer than. */
  over(record: KnownRecord): KnownRecord | undefined {
    const given = this.#given.get(record.record.name);
    return given !== undefined && compareRecords(record, given) <= 0 ? given : undefined;
  }

  /** T4 */
  takeBack(tombstone: KnownRecord): void {
    this.#given.delete(tombstone.record.name);
  }

  /** Still said to the others, so that they give theirs up too. */
  get digests(): readonly string[] {
    return [...this.#given.values()].map(({ digest }) => digest);
  }

  get #counterPath(): string {
    return `${this.#parts.folder}/counted`;
  }

  get #path(): string {
    return `${this.#parts.folder}/members`;
  }
}
