// The reading end of a STREAM: pulls items as they are read, at most `credit` ahead.
//
//   next ──▶ in hand? ──▶ item
//              └─ no ──▶ MORE(credit) ──▶ batch
//
// Invariants
//   I1. One pull is under way at a time, so items stay in order.
//   I2. Items in hand plus credit granted never exceed `credit`.
//   I3. Nothing is sent before the first `next`; after `return` the component is told to stop.

import type { TrailEntry } from "../capacity/rings.ts";
import type { Body } from "../messages/body.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";

/** A reply, and where it came from. */
export interface Answer {
  readonly reply: Envelope;
  readonly address: Address;
  readonly tried: readonly TrailEntry[];
}

export interface ItemSource<T> {
  readonly credit: number;
  read(item: Body): T;
  open(credit: number): Promise<Answer>;
  more(address: Address, credit: number): Promise<Answer>;
  cancel(address: Address): void;
}

export class ItemStream<T> implements AsyncIterableIterator<T> {
  readonly #source: ItemSource<T>;
  #items: readonly Body[] = [];
  #next = 0;
  /** Granted and not yet received: a reply may bring fewer items than were asked for, and the rest comes later. */
  #granted = 0;
  #address: Address | undefined;
  #pull: Promise<Answer> | undefined;
  #ended = false;

  constructor(source: ItemSource<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#next === this.#items.length) {
      if (this.#ended) return { done: true, value: undefined };
      await this.#take();
    }
    const item = this.#items[this.#next++];
    this.#pullAhead();
    // The index was below the length, so there is an item.
    return { done: false, value: this.#source.read(item as Body) };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#ended && this.#address !== undefined) this.#source.cancel(this.#address);
    this.#ended = true;
    this.#items = [];
    this.#next = 0;
    this.#pull?.catch(() => {});
    return { done: true, value: undefined };
  }

  async #take(): Promise<void> {
    this.#pull ??= this.#ask(this.#source.credit - this.#granted);
    try {
      const { reply, address } = await this.#pull;
      this.#address = address;
      // Read before `next` may be called again, so the batch before is used up.
      this.#items = reply.items;
      this.#next = 0;
      this.#granted -= reply.items.length;
      this.#ended ||= reply.last;
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#pull = undefined;
    }
  }

  /** Asks for the next batch while the reader still works through this one. */
  #pullAhead(): void {
    const inHand = this.#items.length - this.#next;
    const credit = this.#source.credit - inHand - this.#granted;
    const isWorthIt = inHand === 0 || credit >= Math.max(1, this.#source.credit / 2);
    if (this.#ended || this.#pull !== undefined || !isWorthIt) return;
    this.#pull = this.#ask(credit);
    // Handled when it is read; until then a failure is nobody's.
    this.#pull.catch(() => {});
  }

  #ask(credit: number): Promise<Answer> {
    this.#granted += credit;
    return this.#address === undefined ? this.#source.open(credit) : this.#source.more(this.#address, credit);
  }
}
