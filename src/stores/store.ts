// Versioned objects: what is kept under a key, every version of it by number, until it is pruned.
//
// Every implementation passes the suite in testing/promises/store.ts.
//
//   put(k, A) ─▶ 1    put(k, B, ifVersion 1) ─▶ 2    put(k, C, ifVersion 1) ─▶ conflict, 2 is there    remove(k) ─▶ 3, a tombstone

export interface StoredObject {
  readonly key: string;
  /** Counted from 1 for each key; a tombstone has one too. Never given twice. */
  readonly version: number;
  /** When it was written, in milliseconds since 1970, by the clock of who wrote it: for people. */
  readonly writtenAt: number;
  /** Undefined for a tombstone. */
  readonly bytes: Uint8Array | undefined;
}

export type PutOutcome =
  | { readonly kind: "stored"; readonly version: number }
  /** Another version is there than was asked for; nothing was written. 0: none at all. */
  | { readonly kind: "conflict"; readonly version: number };

/**
 * Keys: parts of letters, digits, `.`, `_`, `-`, with `/` between them, 180 characters at most. What a key, a size or a
 * damaged object is refused for is a Fault that names it: `invalid` for what was asked, `internal` for what is damaged.
 */
export interface Store {
  /** The newest version, or the one asked for; undefined where there is none, or it was pruned. */
  get(key: string, version?: number): Promise<StoredObject | undefined>;
  /** Numbers of the versions that are kept, oldest first, tombstones included. */
  versions(key: string): Promise<readonly number[]>;
  /** Keys that begin so and whose newest version is no tombstone, in the order of their text. */
  keys(prefix: string): Promise<readonly string[]>;
  /** Settles when it would outlast a power failure. Of several who ask for the same `ifVersion` one is stored. */
  put(key: string, bytes: Uint8Array, ifVersion?: number): Promise<PutOutcome>;
  /** Writes a tombstone; the versions before it can still be asked for. */
  remove(key: string, ifVersion?: number): Promise<PutOutcome>;
  /**
   * Notice of new versions of keys that begin so: at once for what this store wrote, within a second or so for what
   * others wrote. Several versions may be one notice. Answers with what ends it.
   */
  watch(prefix: string, notice: (key: string, version: number) => void): () => void;
}
