// A reply that is still to come, without a promise's turns.
//
// Hot path (bench/call.ts). Between a caller and a component a reply passes several hands, and each promise on its way costs
// a seventh of a microsecond: an eighth of a call inside one process. Those hands read it here, in the very turn in
// which it settles; everybody else has a promise in it.
//
// Invariants
//   R1. It settles once; what comes later is passed over.
//   R2. Readers are told in the order they came: at once where it has settled, and otherwise while it settles.

import { asError } from "../base/fault.ts";
import type { Envelope } from "../messages/envelope.ts";

/** Told one of the two, once. Neither may throw: there is nobody to tell. */
export interface ReplyReader {
  replied(reply: Envelope): void;
  failed(failure: Error): void;
}

export class PendingReply implements Promise<Envelope> {
  #outcome: Envelope | Error | undefined;
  #first: ReplyReader | undefined;
  /** Often there are two: a place counts what it holds, and its caller waits. */
  #second: ReplyReader | undefined;

  get [Symbol.toStringTag](): string {
    return "PendingReply";
  }

  resolve(reply: Envelope): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = reply;
    this.#first?.replied(reply);
    this.#second?.replied(reply);
  }

  reject(failure: Error): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = failure;
    this.#first?.failed(failure);
    this.#second?.failed(failure);
  }

  read(reader: ReplyReader): void {
    const outcome = this.#outcome;
    if (outcome === undefined) {
      if (this.#first === undefined) this.#first = reader;
      else this.#second = this.#second === undefined ? reader : new Both(this.#second, reader);
    } else if (outcome instanceof Error) reader.failed(outcome);
    else reader.replied(outcome);
  }

  // As of a promise: in a later turn, and with a promise as its answer.

  // biome-ignore lint/suspicious/noThenProperty: it is awaited where a turn more costs nothing
  then<A = Envelope, B = never>(
    onReply?: ((reply: Envelope) => A | PromiseLike<A>) | null,
    onFailure?: ((failure: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onReply, onFailure);
  }

  catch<B = never>(onFailure?: ((failure: unknown) => B | PromiseLike<B>) | null): Promise<Envelope | B> {
    return this.#promise().catch(onFailure);
  }

  finally(onEnd?: (() => void) | null): Promise<Envelope> {
    return this.#promise().finally(onEnd);
  }

  #promise(): Promise<Envelope> {
    return new Promise((replied, failed) => this.read({ replied, failed }));
  }
}

/** Tells the reader: of a PendingReply in the turn in which it settles. */
export function readReply(reply: Promise<Envelope>, reader: ReplyReader): void {
  if (reply instanceof PendingReply) reply.read(reader);
  else
    reply.then(
      (envelope) => reader.replied(envelope),
      (thrown: unknown) => reader.failed(asError(thrown)),
    );
}

class Both implements ReplyReader {
  readonly #first: ReplyReader;
  readonly #second: ReplyReader;

  constructor(first: ReplyReader, second: ReplyReader) {
    this.#first = first;
    this.#second = second;
  }

  replied(reply: Envelope): void {
    this.#first.replied(reply);
    this.#second.replied(reply);
  }

  failed(failure: Error): void {
    this.#first.failed(failure);
    this.#second.failed(failure);
  }
}
