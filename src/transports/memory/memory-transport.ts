// One process's end of the pretended network.

import { Fault } from "../../base/fault.ts";
import { type Envelope, Kind, replyTo } from "../../messages/envelope.ts";
import type { Address, Listener, Receive, Transport } from "../transport.ts";
import type { Connection } from "./connection.ts";
import type { MemoryNetwork } from "./memory-network.ts";
import { MEMORY_SCHEME, type Place } from "./place.ts";
import type { MemoryProcess } from "./process.ts";

export class MemoryTransport implements Transport {
  readonly schemes = ["memory"];
  readonly #network: MemoryNetwork;
  readonly #process: MemoryProcess;
  readonly #shows: string | undefined;
  readonly #connections = new Map<Address, Connection>();
  readonly #places = new Map<Address, Place>();
  /** Also those that take no further requests: replies may still be on their way out. */
  readonly #everListened = new Set<Place>();
  #closed = false;

  constructor(network: MemoryNetwork, process: MemoryProcess, shows: string | undefined) {
    this.#network = network;
    this.#process = process;
    this.#shows = shows;
  }

  send(to: Address, request: Envelope): Promise<Envelope> | undefined {
    if (!to.startsWith(MEMORY_SCHEME)) return undefined;
    if (request.kind === Kind.CANCEL) {
      this.#connections.get(to)?.cancel(request);
      return Promise.resolve(replyTo(request));
    }
    if (this.#closed) return Promise.reject(new Fault("undeliverable", `the transport to ${to} is closed`));
    return this.#connectionTo(to).call(request);
  }

  listen(at: Address, receive: Receive): Promise<Listener> | undefined {
    if (!at.startsWith(MEMORY_SCHEME)) return undefined;
    return Promise.try(() => {
      const place = this.#network.listen(at, this.#process, receive);
      this.#places.set(at, place);
      this.#everListened.add(place);
      const close = () => {
        this.#unlisten(at, place);
        return place.idle();
      };
      return { address: at, close };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [at, place] of [...this.#places]) this.#unlisten(at, place);
    this.#network.leave(this.#connections.values(), this.#everListened);
  }

  #unlisten(at: Address, place: Place): void {
    this.#network.unlisten(at, place);
    this.#places.delete(at);
  }

  #connectionTo(address: Address): Connection {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      const forgotten = () => {
        if (this.#connections.get(address) === connection) this.#connections.delete(address);
      };
      connection = this.#network.connect({ process: this.#process, shows: this.#shows }, address, forgotten);
      this.#connections.set(address, connection);
    }
    return connection;
  }
}
