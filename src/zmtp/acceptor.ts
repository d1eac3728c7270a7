// A listening endpoint: makes a connection of each stream that comes in, up to a number.
//
// Invariants
//   I1. No more than `limits.connections` streams are held. When they are all taken, the newest comer takes the place
//       of the oldest that has not finished its handshake; where all have, the comer is refused.

import type { Endpoint, Listening, Network } from "../base/network.ts";
import { Connection, type ConnectionHandlers, type ConnectionOptions } from "./connection.ts";
import type { PeerInfo } from "./engine.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

export interface AcceptorHandlers {
  ready(peer: PeerInfo, connection: Connection): void;
  message(parts: Uint8Array[], connection: Connection): void;
  drained(connection: Connection): void;
  /** One that was ready has ended. */
  closed(fault: ZmtpFault, connection: Connection): void;
  /** Somebody came and did not get through the handshake. */
  refused(fault: ZmtpFault, remote: string): void;
}

export class Acceptor implements ConnectionHandlers {
  readonly #options: ConnectionOptions;
  readonly #handlers: AcceptorHandlers;
  /** All whose stream still stands. */
  readonly #connections = new Set<Connection>();
  /** Those before the end of their handshake, oldest first. */
  readonly #shaking = new Set<Connection>();
  #listening: Listening | undefined;

  constructor(options: ConnectionOptions, handlers: AcceptorHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /** Rejects with the network's Fault. */
  async listen(network: Network, at: Endpoint): Promise<Endpoint> {
    this.#listening = await network.listen(at, (stream) => {
      if (!this.#makeRoom()) {
        stream.destroy();
        const { connections } = this.#options.limits;
        return this.#handlers.refused(
          new ZmtpFault("too-many-connections", `all ${connections} connections are in use`),
          stream.peer,
        );
      }
      const connection = new Connection(stream, this.#options, this);
      this.#connections.add(connection);
      this.#shaking.add(connection);
    });
    return this.#listening.endpoint;
  }

  /** Streams held, those in handshake and those on their way out included. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes no further streams and drops those in handshake; open connections go on. */
  async stop(): Promise<void> {
    const stopped = this.#listening?.close();
    for (const connection of this.#shaking) connection.destroy();
    await stopped;
  }

  /** Drops every connection. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** @internal Of a connection. */
  ready(peer: PeerInfo, connection: Connection): void {
    this.#shaking.delete(connection);
    this.#handlers.ready(peer, connection);
  }

  /** @internal Of a connection. */
  message(parts: Uint8Array[], connection: Connection): void {
    this.#handlers.message(parts, connection);
  }

  /** @internal Of a connection. */
  drained(connection: Connection): void {
    this.#handlers.drained(connection);
  }

  /** @internal Of a connection. */
  closed(fault: ZmtpFault, connection: Connection): void {
    if (this.#shaking.delete(connection)) this.#handlers.refused(fault, connection.remote);
    else this.#handlers.closed(fault, connection);
  }

  /** @internal Of a connection. */
  released(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #makeRoom(): boolean {
    const { connections } = this.#options.limits;
    if (this.#connections.size < connections) return true;
    for (const oldest of this.#shaking) {
      oldest.destroy(
        new ZmtpFault(
          "too-many-connections",
          `all ${connections} connections are in use, and this was the oldest in handshake`,
        ),
      );
      return true;
    }
    return false;
  }
}
