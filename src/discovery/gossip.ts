// What is to be told, and what of it goes into the next datagram.
//
//   who is alive   always, and first        told max(6, 4·log10(n + 1)) times by each node
//   entries        while the budget lasts   told COPIES times
//   loads          in the room that is left told COPIES times
//
// Infection-style dissemination (SWIM, section 4.1). Six times at least, so that a rumour survives in a small network
// that loses a third of its datagrams. Every datagram to somebody who is not simply alive here begins with what is said
// of him, so that he can refute (Lifeguard, section IV.C: buddy system).

import type { Budget } from "./budget.ts";
import { COPIES } from "./budget.ts";
import { RUMOUR_HEAD_BYTES } from "./packet.ts";
import { encodeRumour, type Statement, type StatusStatement } from "./rumour.ts";
import { RumourQueue } from "./rumour-queue.ts";
import type { NodeRecord, Table } from "./table.ts";

/** An entry whose rumour is larger leaves no room for anything else in a datagram: it is announced, and fetched by Sync. */
const ENTRY_RUMOUR_BYTES = 900;

const STATUS_COPIES = 6;

export class Gossip {
  readonly #table: Table;
  readonly #budget: Budget;
  readonly #status = new RumourQueue();
  readonly #content = new RumourQueue();
  readonly #load = new RumourQueue();

  constructor(table: Table, budget: Budget) {
    this.#table = table;
    this.#budget = budget;
  }

  /** From now on it rides on what is sent. */
  spread(statement: Statement): void {
    const rumour = encodeRumour(statement);
    if (statement.kind === "status") return this.#status.put(statement.id, rumour);
    if (statement.kind === "load") {
      if (rumour.length <= ENTRY_RUMOUR_BYTES) this.#load.put(statement.id, rumour);
      return;
    }
    // Loads of an older entry say nothing any more.
    this.#load.remove(statement.id);
    const announced = rumour.length > ENTRY_RUMOUR_BYTES ? encodeRumour({ ...statement, entry: undefined }) : rumour;
    this.#content.put(statement.id, announced);
  }

  get size(): number {
    return this.#status.size + this.#content.size + this.#load.size;
  }

  /** Whether something waits that may go out now. */
  hasSome(now: number): boolean {
    return this.#status.size > 0 || (this.#content.size + this.#load.size > 0 && this.#budget.left(now));
  }

  /** What goes into a datagram of which so many bytes are free, after `first`. */
  fill(of: { roomBytes: number; first: readonly Uint8Array[]; now: number }): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let room = of.roomBytes;
    for (const rumour of of.first) {
      if (rumour.length + RUMOUR_HEAD_BYTES > room) continue;
      room -= rumour.length + RUMOUR_HEAD_BYTES;
      taken.push(rumour);
    }
    const take = (queue: RumourQueue, limit: number): void => {
      if (queue.size === 0 || room <= 0) return;
      const more = queue.take({ roomBytes: room, headBytes: RUMOUR_HEAD_BYTES, limit });
      for (const rumour of more) {
        room -= rumour.length + RUMOUR_HEAD_BYTES;
        taken.push(rumour);
      }
    };
    take(this.#status, this.#statusCopies());
    if (this.#budget.left(of.now)) {
      take(this.#content, COPIES);
      take(this.#load, COPIES);
    }
    return taken;
  }

  #statusCopies(): number {
    return Math.max(STATUS_COPIES, Math.ceil(4 * Math.log10(this.#table.live.length + 2)));
  }
}

/** What is known here of its state. The way to it is told with `alive`, or where asked for. */
export function statusStatement(record: NodeRecord, now: number, withContact: boolean): StatusStatement | undefined {
  const { id, status, contact } = record;
  if (status === undefined) return undefined;
  return {
    kind: "status",
    id,
    incarnation: status.incarnation,
    state: status.state,
    lifetimeMs: Number.isFinite(status.until) ? Math.max(0, status.until - now) : 0,
    accusers: status.accusers,
    contact: withContact || status.state === "alive" ? contact : undefined,
  };
}
