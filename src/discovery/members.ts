// The table as others see it: members, and who has changed.

import { addressText } from "../base/datagrams.ts";
import type { Log } from "../base/log.ts";
import type { Entry } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { readEntry } from "./entry.ts";
import type { OwnNode } from "./own-node.ts";
import type { State } from "./status.ts";
import type { NodeRecord, Table } from "./table.ts";

/** One node, as it is known here. */
export interface Member {
  readonly id: string;
  readonly incarnation: number;
  readonly state: State;
  /** When its state became what it is, on this process's clock. */
  readonly sinceMs: number;
  /** Where it takes datagrams: HOST:PORT. */
  readonly address: string;
  /** Its control addresses. */
  readonly doors: readonly string[];
  /** What it offers; undefined until it is known. */
  readonly entry: Entry | undefined;
}

export type MembersListener = (changed: readonly Member[]) => void;

export class Members {
  readonly #table: Table;
  readonly #own: OwnNode;
  readonly #views = new Map<string, Member>();
  readonly #states = new Map<string, State>();
  readonly #listeners: ReadonlySet<MembersListener>;

  constructor(table: Table, own: OwnNode, listeners: ReadonlySet<MembersListener>) {
    this.#table = table;
    this.#own = own;
    this.#listeners = listeners;
  }

  /** This node first, as it is now; then the others, the dead and those who left included while they are remembered. */
  list(): readonly Member[] {
    const members: Member[] = [];
    for (const record of this.#table.records()) {
      const member = this.of(record);
      if (member === undefined) continue;
      if (record.id === this.#own.id) members.unshift(member);
      else members.push(member);
    }
    return members;
  }

  /** Tells whoever listens what changed since the last time. */
  tell(failed: (thrown: unknown) => void, log: Log): void {
    const changed: Member[] = [];
    for (const id of this.#table.takeChanged()) {
      this.#views.delete(id);
      const record = this.#table.find(id);
      if (record === undefined) {
        this.#states.delete(id);
        continue;
      }
      this.#logState(record, log);
      // A view that nobody looks at is not made.
      const member = this.#listeners.size === 0 ? undefined : this.of(record);
      if (member !== undefined) changed.push(member);
    }
    if (changed.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(changed);
      } catch (thrown) {
        failed(thrown);
      }
    }
  }

  #logState({ id, state, status }: NodeRecord, log: Log): void {
    if (state === undefined || state === this.#states.get(id)) return;
    this.#states.set(id, state);
    log.write("info", `node ${id} is ${state}`, { node: id, state, incarnation: status?.incarnation });
  }

  /** Undefined while it is not known how to reach it. */
  of(record: NodeRecord): Member | undefined {
    const known = this.#views.get(record.id);
    if (known !== undefined) return known;
    const { id, status, contact, content, load, since } = record;
    if (status === undefined || contact === undefined) return undefined;
    const isOwn = id === this.#own.id;
    const { entry: ownEntry } = this.#own;
    // Read when it is first looked at: most changes are of entries that nobody looks at before the next.
    let entry: Entry | undefined | "unread" = isOwn ? ownEntry : "unread";
    const member: Member = {
      id,
      incarnation: status.incarnation,
      state: status.state,
      sinceMs: since,
      address: addressText(contact.address),
      doors: contact.doors,
      get entry() {
        if (entry === "unread") entry = content && readEntry(content, load);
        return entry;
      },
    };
    // The own entry may change without being published.
    if (!isOwn) this.#views.set(id, member);
    return member;
  }
}
