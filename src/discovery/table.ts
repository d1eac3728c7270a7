// Who is known, and what of each: the table that statements are merged into.
//
// Invariants
//   T1. What is known of a node only grows in the order of knowledge.ts, until it is forgotten as a whole.
//   T2. `live` holds exactly those records of others that are alive or suspect and can be reached.
//   T3. There are never more records than the limit; who is already known is not pushed out.

import type { Random } from "../base/random.ts";
import { type Contact, type Content, compareContact, compareContent, compareLoad, type Load } from "./knowledge.ts";
import { isLive, type Status } from "./status.ts";

export class NodeRecord {
  readonly id: string;
  status: Status | undefined;
  contact: Contact | undefined;
  content: Content | undefined;
  load: Load | undefined;
  /** When its state became what it is. */
  since = 0;
  /** When a datagram came from it. */
  heardAt = Number.NEGATIVE_INFINITY;
  /** Place in the list of the live; -1 where it is not in it. */
  place = -1;

  constructor(id: string) {
    this.id = id;
  }

  get state() {
    return this.status?.state;
  }
}

export class Table {
  readonly #ownId: string;
  readonly #limit: number;
  readonly #records = new Map<string, NodeRecord>();
  readonly #live: NodeRecord[] = [];
  #changed = new Set<string>();
  /** Rumours about nodes that had no place. */
  refused = 0;

  /** `limit`: of records, the own one included. */
  constructor(ownId: string, limit: number) {
    this.#ownId = ownId;
    this.#limit = limit;
  }

  find(id: string): NodeRecord | undefined {
    return this.#records.get(id);
  }

  records(): Iterable<NodeRecord> {
    return this.#records.values();
  }

  /** Undefined where there is no place for another. */
  findOrAdd(id: string): NodeRecord | undefined {
    const known = this.#records.get(id);
    if (known !== undefined) return known;
    if (this.#records.size >= this.#limit) {
      this.refused++;
      return undefined;
    }
    const record = new NodeRecord(id);
    this.#records.set(id, record);
    return record;
  }

  forget(record: NodeRecord): void {
    this.#records.delete(record.id);
    this.#changed.add(record.id);
    this.#removeLive(record);
  }

  get live(): readonly NodeRecord[] {
    return this.#live;
  }

  setStatus(record: NodeRecord, status: Status, now: number): void {
    if (record.status?.state !== status.state) {
      record.since = now;
      this.#changed.add(record.id);
    } else if (record.status.incarnation !== status.incarnation) {
      this.#changed.add(record.id);
    }
    record.status = status;
    this.#place(record);
  }

  /** Whether it was news. */
  offerContact(record: NodeRecord, contact: Contact): boolean {
    if (record.contact !== undefined && compareContact(record.contact, contact) >= 0) return false;
    record.contact = contact;
    this.#changed.add(record.id);
    this.#place(record);
    return true;
  }

  /** Whether it was news. */
  offerContent(record: NodeRecord, content: Content): boolean {
    if (record.content !== undefined && compareContent(record.content, content) >= 0) return false;
    record.content = content;
    this.#changed.add(record.id);
    return true;
  }

  /** Whether it was news. */
  offerLoad(record: NodeRecord, load: Load): boolean {
    if (record.load !== undefined && compareLoad(record.load, load) >= 0) return false;
    record.load = load;
    this.#changed.add(record.id);
    return true;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Ids of what has changed since the last time. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** So many different live ones, or as many as there are, without those skipped. */
  pick(count: number, random: Random, skip: (record: NodeRecord) => boolean = () => false): NodeRecord[] {
    const live = this.#live;
    if (live.length <= count * 3)
      return shuffled(live, random)
        .filter((record) => !skip(record))
        .slice(0, count);
    const picked = new Set<NodeRecord>();
    // Most draws hit; the bound is for lists of which nearly all are skipped.
    for (let draw = 0; draw < count * 8 && picked.size < count; draw++) {
      const record = live[random.below(live.length)];
      if (record !== undefined && !skip(record)) picked.add(record);
    }
    return [...picked];
  }

  #place(record: NodeRecord): void {
    const there = record.status !== undefined && isLive(record.status.state) && record.contact !== undefined;
    const live = there && record.id !== this.#ownId;
    if (!live) this.#removeLive(record);
    else if (record.place < 0) record.place = this.#live.push(record) - 1;
  }

  #removeLive(record: NodeRecord): void {
    if (record.place < 0) return;
    const last = this.#live.pop();
    if (last !== undefined && last !== record) {
      this.#live[record.place] = last;
      last.place = record.place;
    }
    record.place = -1;
  }
}

function shuffled(records: readonly NodeRecord[], random: Random): NodeRecord[] {
  return records
    .map((record) => ({ record, order: random.u32() }))
    .sort((a, b) => a.order - b.order)
    .map(({ record }) => record);
}
