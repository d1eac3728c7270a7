// Envelopes within one process: handed over, not encoded.

import { Fault } from "../base/fault.ts";
import type { Envelope } from "../messages/envelope.ts";
import { type ReplyReader, readReply } from "./pending-reply.ts";
import type { Address, Listener, Receive, Transport } from "./transport.ts";

const SCHEME = "direct://";

/** The places of one process. Containers and clients that are to meet take their transports from one. */
export class DirectNetwork {
  readonly #places = new Map<Address, Place>();

  transport(): Transport {
    return new DirectTransport(this.#places);
  }
}

class Place implements ReplyReader {
  readonly #receive: Receive;
  /** Taken and not yet answered. */
  #open = 0;
  #whenIdle: (() => void)[] = [];

  constructor(receive: Receive) {
    this.#receive = receive;
  }

  receive(request: Envelope): Promise<Envelope> {
    this.#open++;
    const reply = this.#receive(request);
    readReply(reply, this);
    return reply;
  }

  replied(): void {
    this.#open--;
    if (this.#open === 0 && this.#whenIdle.length > 0) for (const settle of this.#whenIdle.splice(0)) settle();
  }

  failed(): void {
    this.replied();
  }

  idle(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}

class DirectTransport implements Transport {
  readonly schemes = ["direct"];
  readonly #places: Map<Address, Place>;
  readonly #own = new Map<Address, Place>();
  #closed = false;

  constructor(places: Map<Address, Place>) {
    this.#places = places;
  }

  send(to: Address, request: Envelope): Promise<Envelope> | undefined {
    if (!to.startsWith(SCHEME)) return undefined;
    const place = this.#places.get(to);
    if (this.#closed || place === undefined) {
      return Promise.reject(new Fault("undeliverable", `nobody listens at ${to} in this process`));
    }
    return place.receive(request);
  }

  listen(at: Address, receive: Receive): Promise<Listener> | undefined {
    if (!at.startsWith(SCHEME)) return undefined;
    if (this.#places.has(at)) {
      return Promise.reject(new Fault("invalid", `${at} is in use in this process; choose another name`));
    }
    const place = new Place(receive);
    this.#places.set(at, place);
    this.#own.set(at, place);
    const close = () => {
      this.#forget(at);
      return place.idle();
    };
    return Promise.resolve({ address: at, close });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const at of [...this.#own.keys()]) this.#forget(at);
  }

  #forget(at: Address): void {
    if (this.#own.delete(at)) this.#places.delete(at);
  }
}
