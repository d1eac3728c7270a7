// Calls that wait to be sent, in the order they were made, up to a number and a size.

import { bodyBytes } from "../../messages/body.ts";
import type { Envelope } from "../../messages/envelope.ts";
import type { Call } from "./calls.ts";

/** What an envelope takes beside its bodies, about. */
const ENVELOPE_BYTES = 256;

export class CallQueue {
  readonly #limits: { readonly queueMessages: number; readonly queueBytes: number };
  readonly #calls = new Set<Call>();
  #bytes = 0;

  constructor(limits: { readonly queueMessages: number; readonly queueBytes: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#calls.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** First come first. Calls may be removed meanwhile. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }

  /** False, and nothing taken, past the limits. Throws what encoding a body throws. */
  push(call: Call): boolean {
    call.request = withBytes(call.request);
    const bytes = sizeOf(call.request);
    const { queueMessages, queueBytes } = this.#limits;
    if (this.#calls.size >= queueMessages || (this.#calls.size > 0 && this.#bytes + bytes > queueBytes)) return false;
    call.queuedBytes = bytes;
    this.#bytes += bytes;
    this.#calls.add(call);
    return true;
  }

  /** Whether or not it is there. */
  remove(call: Call): void {
    if (this.#calls.delete(call)) this.#bytes -= call.queuedBytes;
  }
}

/** The same with its bodies encoded: a message may change while it waits, and has a size only as bytes. */
function withBytes(request: Envelope): Envelope {
  const { value, items } = request;
  return { ...request, value: value === undefined ? undefined : bodyBytes(value), items: items.map(bodyBytes) };
}

/** About what it takes in memory while it waits, its bodies being bytes. */
function sizeOf(request: Envelope): number {
  let size = ENVELOPE_BYTES;
  if (request.value !== undefined) size += bodyBytes(request.value).length;
  for (const item of request.items) size += bodyBytes(item).length;
  return size;
}
