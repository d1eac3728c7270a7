// The producing end of a STREAM: runs the component's iterator only as far as credit was granted.
//
//   CALL / MORE (credit) ──▶ pump ──▶ items in hand ──▶ one reply a turn
//
// Invariants
//   I1. The iterator is asked for at most as many items as were granted.
//   I2. One reply for each CALL or MORE, items in the iterator's order.
//   I3. `ended` settles once, when the iterator has settled for good.

import type { Clock } from "../base/clock.ts";
import type { ApplicationError, Fault } from "../base/fault.ts";
import type { Body } from "../messages/body.ts";

export interface Batch {
  readonly items: readonly Body[];
  readonly last: boolean;
  readonly failure: Fault | ApplicationError | undefined;
}

export class StreamSource {
  readonly #clock: Clock;
  readonly #encode: (item: unknown) => Body;
  readonly #failureOf: (thrown: unknown) => Fault | ApplicationError;
  #iterator: AsyncIterator<unknown> | undefined;
  #credit = 0;
  #pumping = false;
  #items: Body[] = [];
  #over = false;
  #failure: Fault | ApplicationError | undefined;
  #deliver: ((batch: Batch) => void) | undefined;
  #flushing = false;
  #ended: () => void = () => {};
  readonly #last: () => void;
  readonly ended: Promise<void>;

  constructor(parts: {
    clock: Clock;
    encode: (item: unknown) => Body;
    failureOf: (thrown: unknown) => Fault | ApplicationError;
    /** Called once, with the last batch: nothing will be pulled any more. */
    last: () => void;
  }) {
    this.#clock = parts.clock;
    this.#encode = parts.encode;
    this.#failureOf = parts.failureOf;
    this.#last = parts.last;
    this.ended = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  /** Why it ended; undefined while it has not, and where it came to its end. */
  get failure(): Fault | ApplicationError | undefined {
    return this.#failure;
  }

  /** The next batch: at least one item, or the end. A pull that is still open is answered with what there is. */
  pull(credit: number, deliver: (batch: Batch) => void): void {
    this.#answer();
    this.#credit += credit;
    this.#deliver = deliver;
    if (this.#items.length > 0 || this.#over) this.#flushSoon();
    void this.#pump();
  }

  run(iterator: AsyncIterator<unknown>): void {
    this.#iterator = iterator;
    void this.#pump();
  }

  /** Ends it without, or against, the component: the reader gets the failure once it has read what is in hand. */
  stop(failure: Fault | ApplicationError): void {
    if (this.#over) return;
    this.#finish(failure);
    if (this.#iterator === undefined) return this.#ended();
    // An iterator that waits settles this only afterwards, and holds its place until then.
    const returned = this.#iterator.return?.() ?? Promise.resolve();
    Promise.resolve(returned).then(this.#ended, this.#ended);
  }

  async #pump(): Promise<void> {
    if (this.#pumping || this.#iterator === undefined) return;
    this.#pumping = true;
    try {
      while (this.#credit > 0 && !this.#over) {
        const next = await this.#iterator.next();
        if (this.#over) return;
        if (next.done === true) {
          this.#finish(undefined);
          this.#ended();
          return;
        }
        this.#credit--;
        this.#items.push(this.#encode(next.value));
        this.#flushSoon();
      }
    } catch (error) {
      if (this.#over) return;
      this.stop(this.#failureOf(error));
    } finally {
      this.#pumping = false;
    }
  }

  #finish(failure: Fault | ApplicationError | undefined): void {
    this.#over = true;
    this.#failure = failure;
    this.#flushSoon();
  }

  /** What one turn produces travels in one reply. */
  #flushSoon(): void {
    if (this.#flushing || this.#deliver === undefined) return;
    this.#flushing = true;
    this.#clock.soon(() => {
      this.#flushing = false;
      if (this.#items.length > 0 || this.#over) this.#answer();
    });
  }

  #answer(): void {
    const deliver = this.#deliver;
    if (deliver === undefined) return;
    this.#deliver = undefined;
    const items = this.#items;
    this.#items = [];
    // A failure travels in a reply of its own, after the items that came before it.
    const last = this.#over && (this.#failure === undefined || items.length === 0);
    if (last) this.#last();
    deliver({ items, last, failure: last ? this.#failure : undefined });
  }
}
