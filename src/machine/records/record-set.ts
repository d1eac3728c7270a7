// The set of records: who has seen the same records has the same set, in whatever order they came.
//
// Invariants
//   R1. Of each name one record is in force: the highest by counter, then signer, then digest.
//   R2. Merging is commutative, associative and idempotent.
//   R3. A record that lost to another written without knowing of it is kept as a conflict, to be shown: one that the winner's
//       history does not name, as far back as that goes.

import type { KnownRecord } from "./signed-record.ts";

export type Merged =
  | { readonly kind: "known" }
  | { readonly kind: "older" }
  /** `over`: what it replaced; undefined where it is the first of its name. `conflict`: that was written at the same time. */
  | { readonly kind: "taken"; readonly over: KnownRecord | undefined; readonly conflict: boolean }
  /** It lost against one written at the same time. */
  | { readonly kind: "lost"; readonly against: KnownRecord };

/** In words, and as it is decided by. */
export interface Conflict {
  readonly name: string;
  /** Id of the key that wrote what lost, and its digest. */
  readonly by: string;
  readonly digest: string;
  /** Id of the key whose record counts. */
  readonly against: string;
  readonly text: string;
}

const CONFLICTS_KEPT = 32;
/** Digests that a record names of those before it. */
export const HISTORY_KEPT = 16;

export class RecordSet {
  readonly #records = new Map<string, KnownRecord>();
  #conflicts: readonly Conflict[] = [];
  #counter = 0n;

  get all(): readonly KnownRecord[] {
    return [...this.#records.values()];
  }

  /** The highest of any record seen. */
  get counter(): bigint {
    return this.#counter;
  }

  /** Newest last. */
  get conflicts(): readonly Conflict[] {
    return this.#conflicts;
  }

  get(name: string): KnownRecord | undefined {
    return this.#records.get(name);
  }

  /** Name → digest. */
  get digests(): { [name: string]: string } {
    return Object.fromEntries(this.all.map(({ record, digest }) => [record.name, digest]));
  }

  /** What a record that replaces the one of this name names. */
  historyFor(name: string): readonly string[] {
    const present = this.#records.get(name);
    return present === undefined ? [] : [present.digest, ...present.record.history].slice(0, HISTORY_KEPT);
  }

  /** What was seen before, and is not kept any more, counted as far as this. */
  raise(counter: bigint): void {
    if (counter > this.#counter) this.#counter = counter;
  }

  /** What was removed is forgotten, where it is still what counts. */
  forget({ record: { name }, digest }: KnownRecord): void {
    if (this.#records.get(name)?.digest === digest) this.#records.delete(name);
  }

  merge(fresh: KnownRecord): Merged {
    const { name, counter } = fresh.record;
    if (counter > this.#counter) this.#counter = counter;
    const present = this.#records.get(name);
    if (present === undefined) {
      this.#records.set(name, fresh);
      return { kind: "taken", over: undefined, conflict: false };
    }
    const same = present.digest === fresh.digest;
    if (same && present.signer.id === fresh.signer.id) return { kind: "known" };
    // The same said by two keys is no conflict, but one of the two signatures counts, whichever came first (R2).
    const wins = compareRecords(fresh, present) > 0;
    const atOnce = !same && (wins ? didNotKnow(fresh, present) : didNotKnow(present, fresh));
    if (wins) {
      this.#records.set(name, fresh);
      if (atOnce) this.#lost(present, fresh);
      return { kind: "taken", over: present, conflict: atOnce };
    }
    if (!atOnce) return { kind: "older" };
    this.#lost(fresh, present);
    return { kind: "lost", against: present };
  }

  #lost(loser: KnownRecord, winner: KnownRecord): void {
    const { name, counter } = loser.record;
    const text = `${name}: what key ${loser.signer.id} wrote lost to what key ${winner.signer.id} wrote at the same time (counter ${counter})`;
    const lost = { name, by: loser.signer.id, digest: loser.digest, against: winner.signer.id, text };
    if (this.#conflicts.some(({ digest }) => digest === lost.digest)) return;
    this.#conflicts = [...this.#conflicts, lost].slice(-CONFLICTS_KEPT);
  }
}

/** Whether who wrote the winner had not seen the loser. A full history may end before it: then it is taken to have. */
function didNotKnow({ record: { history } }: KnownRecord, { digest }: KnownRecord): boolean {
  return !history.includes(digest) && history.length < HISTORY_KEPT;
}

/** Positive where `a` counts. Never 0 for records that differ. */
export function compareRecords(a: KnownRecord, b: KnownRecord): number {
  if (a.record.counter !== b.record.counter) return a.record.counter > b.record.counter ? 1 : -1;
  return compareText(a.signer.id, b.signer.id) || compareText(a.digest, b.digest);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a > b ? 1 : -1;
}
