// The replies of one container: each says who answers and how much room is left.

import type { ApplicationError, Fault } from "../base/fault.ts";
import { type Envelope, refuse, replyTo } from "../messages/envelope.ts";
import type { Batch } from "./stream-source.ts";

export class Replies {
  readonly #path: readonly string[];
  readonly #freePlaces: () => number;

  constructor(path: readonly string[], freePlaces: () => number) {
    this.#path = path;
    this.#freePlaces = freePlaces;
  }

  /** Without a value yet. `version`: of the component that answers. */
  to(request: Envelope, version: string): Envelope {
    const reply = replyTo(request);
    reply.from = this.#path;
    reply.version = version;
    reply.credit = this.#freePlaces();
    return reply;
  }

  refusal(request: Envelope, failure: Fault | ApplicationError): Envelope {
    const reply = refuse(request, failure);
    reply.from = this.#path;
    reply.credit = this.#freePlaces();
    return reply;
  }

  batch(request: Envelope, version: string, { items, last, failure }: Batch): Envelope {
    const reply = this.to(request, version);
    reply.items = items;
    reply.last = last;
    reply.failure = failure;
    return reply;
  }
}
