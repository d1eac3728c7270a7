// The calls of one address that wait: for their turn to be sent, or for their reply. A bounded table.
//
// Hot path (bench/zmtp-loopback.ts): a Map whose keys come once and go makes a new table of itself again and again.
// Sequences count up, so a row of the lowest bits holds one call, or a short chain where one waits for long.
//
// Invariants
//   P1. Every call in it is settled once and then gone: by its reply, its failure, or because nobody wants it any more.
//   P2. Sequences are of this table alone. Callers' own ids may be the same for different callers.

import type { Envelope } from "../../messages/envelope.ts";
import { PendingReply } from "../pending-reply.ts";
import type { Channel } from "./channel.ts";

/** It is what its caller reads. */
export class Call extends PendingReply {
  request: Envelope;
  readonly sequence: number;
  /** Where it was sent; undefined while it waits for that. */
  channel: Channel | undefined;
  /** What it takes in the queue, and about what it will take on the wire. */
  queuedBytes = 0;
  /** For Calls' own use: the next in its row. */
  next: Call | undefined;

  constructor(request: Envelope, sequence: number) {
    super();
    this.request = request;
    this.sequence = sequence;
  }
}

const FEWEST_ROWS = 16;

export class Calls {
  /** A power of two of them. */
  #rows: (Call | undefined)[] = newRows(FEWEST_ROWS);
  #size = 0;
  #sequence = 0;
  /** By caller and its id, for CANCEL: made at the first one and forgotten by `tidy`, since most calls are never withdrawn. */
  #byCaller: Map<string, Call> | undefined;

  get size(): number {
    return this.#size;
  }

  add(request: Envelope): Call {
    const call = new Call(request, ++this.#sequence);
    if (this.#size === this.#rows.length) this.#resize(this.#size * 2);
    this.#lay(call);
    this.#size++;
    this.#byCaller?.set(callKey(request), call);
    return call;
  }

  get(sequence: number): Call | undefined {
    let call = this.#rows[sequence & (this.#rows.length - 1)];
    while (call !== undefined && call.sequence !== sequence) call = call.next;
    return call;
  }

  /** The call that a CANCEL is about; the later one where a caller used an id twice. */
  find(cancel: Envelope): Call | undefined {
    this.#byCaller ??= new Map(this.all().map((call) => [callKey(call.request), call]));
    return this.#byCaller.get(callKey(cancel));
  }

  /** Whether or not it is there. */
  remove(call: Call): void {
    if (!this.#unlink(call)) return;
    this.#size--;
    const key = this.#byCaller === undefined ? "" : callKey(call.request);
    if (this.#byCaller?.get(key) === call) this.#byCaller.delete(key);
  }

  /** As they are now, in the order they were made. */
  all(): Call[] {
    const calls: Call[] = [];
    for (const first of this.#rows) for (let call = first; call !== undefined; call = call.next) calls.push(call);
    return calls.sort((one, other) => one.sequence - other.sequence);
  }

  /** Gives back what many calls, or those that were withdrawn, have made it grow by. */
  tidy(): void {
    this.#byCaller = undefined;
    if (this.#rows.length > FEWEST_ROWS && this.#size * 8 < this.#rows.length) this.#resize(this.#rows.length / 4);
  }

  #lay(call: Call): void {
    const row = call.sequence & (this.#rows.length - 1);
    call.next = this.#rows[row];
    this.#rows[row] = call;
  }

  #unlink(call: Call): boolean {
    const row = call.sequence & (this.#rows.length - 1);
    let other = this.#rows[row];
    if (other === call) {
      this.#rows[row] = call.next;
      return true;
    }
    while (other !== undefined && other.next !== call) other = other.next;
    if (other === undefined) return false;
    other.next = call.next;
    return true;
  }

  #resize(rows: number): void {
    const calls = this.all();
    this.#rows = newRows(rows);
    for (const call of calls) this.#lay(call);
  }
}

function newRows(count: number): (Call | undefined)[] {
  return new Array<Call | undefined>(count).fill(undefined);
}

function callKey({ from, id }: Envelope): string {
  return `${from[0] ?? ""}/${id}`;
}
