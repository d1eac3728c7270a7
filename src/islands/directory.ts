// Who takes part: a directory as one versioned object that every node writes, and from which the silent are struck out.
//
//   the newest version ──merged──▶ myself, alive anew ──▶ the silent out ──▶ next version, where nobody was faster; else again
//
// Invariants
//   D1. Of two entries of one node the later incarnation counts, then the later beat; then the shorter lifetime.
//   D2. Nobody is lost to another's writing: a version is made of the one before it, or not at all.
//   D3. A node is struck out when its beat has not changed for its lifetime on the clock of who strikes: no clocks are compared.

import type { Store } from "unum/stores";
import type { Clock } from "../base/clock.ts";

export interface DirectoryEntry {
  readonly node: string;
  /** Of its process: a later one takes the name over. */
  readonly incarnation: number;
  /** Counts its check-ins. */
  readonly beat: number;
  readonly lifetimeMs: number;
  /** What it says of itself: the run, its islands, its process. */
  readonly about: Readonly<Record<string, string | number>>;
}

export type Entries = Readonly<Record<string, DirectoryEntry>>;

/** D1 */
export function merged(...all: readonly Entries[]): Entries {
  const result: Record<string, DirectoryEntry> = {};
  for (const entry of all.flatMap((entries) => Object.values(entries))) {
    const known = result[entry.node];
    if (known === undefined || isLater(entry, known)) result[entry.node] = entry;
  }
  return result;
}

function isLater(a: DirectoryEntry, b: DirectoryEntry): boolean {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation;
  if (a.beat !== b.beat) return a.beat > b.beat;
  return a.lifetimeMs < b.lifetimeMs;
}

export interface DirectorySettings {
  readonly store: Store;
  readonly clock: Clock;
  readonly self: Pick<DirectoryEntry, "node" | "incarnation" | "lifetimeMs">;
  readonly about: () => DirectoryEntry["about"];
}

const KEY = "discovery";
/** Versions that are tried: one that is damaged is made good by the one before. */
const VERSIONS_READ = 3;
const ATTEMPTS_LIMIT = 100;

export class Directory {
  readonly #settings: DirectorySettings;
  readonly #seen = new Map<string, { readonly mark: string; readonly since: number }>();
  #beat = 0;

  constructor(settings: DirectorySettings) {
    this.#settings = settings;
  }

  /** Says that this node lives; answers with all who do. */
  checkIn(): Promise<Entries> {
    this.#beat++;
    const { self, about } = this.#settings;
    return this.#write((entries) => merged(entries, { [self.node]: { ...self, beat: this.#beat, about: about() } }));
  }

  /** Says that this node leaves. */
  leave(): Promise<Entries> {
    const { node, incarnation } = this.#settings.self;
    return this.#write((entries) =>
      Object.fromEntries(
        Object.entries(entries).filter(([name, each]) => name !== node || each.incarnation > incarnation),
      ),
    );
  }

  async #write(change: (entries: Entries) => Entries): Promise<Entries> {
    const { store } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      const newest = (await store.versions(KEY)).at(-1) ?? 0;
      const next = change(this.#living(await readEntries(store)));
      const outcome = await store.put(KEY, new TextEncoder().encode(JSON.stringify(next)), newest);
      if (outcome.kind === "stored" || attempt >= ATTEMPTS_LIMIT) return next;
    }
  }

  /** D3 */
  #living(entries: Entries): Entries {
    const now = this.#settings.clock.now();
    const living = Object.entries(entries).filter(([node, entry]) => {
      const mark = `${entry.incarnation} ${entry.beat}`;
      const seen = this.#seen.get(node);
      if (seen?.mark !== mark) {
        this.#seen.set(node, { mark, since: now });
        return true;
      }
      return now - seen.since <= entry.lifetimeMs;
    });
    return Object.fromEntries(living);
  }
}

/**
 * As the newest whole version has it. Those before it count only where the newest is damaged: who is not in a newer one has
 * left, or was struck out.
 */
export async function readEntries(store: Store): Promise<Entries> {
  for (const version of [...(await store.versions(KEY))].reverse().slice(0, VERSIONS_READ)) {
    const object = await store.get(KEY, version).catch(() => undefined);
    // Written above, and kept with a checksum.
    if (object?.bytes !== undefined) return JSON.parse(new TextDecoder().decode(object.bytes)) as Entries;
  }
  return {};
}
