// A DEALER: talks to one peer or several, each message to the next one that has room.
//
// Speaks to ROUTER and DEALER as they are, and to REP by putting an empty part before the request and taking one off the reply.
//
// Invariants
//   I1. What one peer gets, it gets in the order it was sent.
//   I2. A message is either refused at once (past the high-water mark) or handed to a connection, once.
//       What a connection had taken when it was lost may or may not have arrived: `disconnected` says that it happened.

import type { Endpoint } from "../base/network.ts";
import { Acceptor } from "./acceptor.ts";
import type { Connection } from "./connection.ts";
import { Dialler } from "./dialler.ts";
import type { PeerInfo } from "./engine.ts";
import { SendQueue } from "./send-queue.ts";
import { type SocketOptions, type SocketSettings, settle } from "./socket-options.ts";
import type { ZmtpFault } from "./zmtp-fault.ts";

export interface DealerHandlers {
  /** One message, at least one part; the parts are windows on received chunks: copy what is kept for long. */
  message(parts: Uint8Array[]): void;
  /** A handshake is done. */
  connected?(peer: PeerInfo, remote: string): void;
  /** An attempt to connect, or somebody who came, did not get through the handshake. */
  refused?(fault: ZmtpFault): void;
  /** A connection ended; a dialled one is dialled again. */
  disconnected?(fault: ZmtpFault): void;
  /** There is room again after `send` answered false. */
  drained?(): void;
}

export class DealerSocket {
  readonly #settings: SocketSettings;
  readonly #handlers: DealerHandlers;
  readonly #queue: SendQueue;
  readonly #diallers: Dialler[] = [];
  readonly #acceptors: Acceptor[] = [];
  #open: Connection[] = [];
  #next = 0;
  #closed = false;

  constructor(options: SocketOptions, handlers: DealerHandlers) {
    this.#settings = settle("DEALER", options);
    this.#handlers = handlers;
    this.#queue = new SendQueue(this.#settings.highWaterMark);
  }

  /** Connects, and again whenever the connection is lost, until close. */
  connect(to: Endpoint): void {
    this.#diallers.push(
      new Dialler(to, this.#settings, {
        ready: (peer, connection) => this.#ready(peer, connection),
        message: (parts) => this.#handlers.message(parts),
        drained: () => this.#drain(),
        closed: (fault, connection) => this.#lost(fault, connection),
        refused: (fault) => this.#handlers.refused?.(fault),
      }),
    );
  }

  /** Accepts peers. Answers the endpoint with the port the system chose; rejects with the network's Fault. */
  async listen(at: Endpoint): Promise<Endpoint> {
    const acceptor = new Acceptor(this.#settings.connection("accepts"), {
      ready: (peer, connection) => this.#ready(peer, connection),
      message: (parts) => this.#handlers.message(parts),
      drained: () => this.#drain(),
      closed: (fault, connection) => this.#lost(fault, connection),
      refused: (fault) => this.#handlers.refused?.(fault),
    });
    this.#acceptors.push(acceptor);
    return acceptor.listen(this.#settings.env.network, at);
  }

  /** Messages that wait for a connection or for room in one. */
  get queued(): number {
    return this.#queue.messages;
  }

  /** False, and nothing taken, where the high-water mark is reached; `drained` tells when to try again. Takes ownership of the parts. */
  send(parts: readonly Uint8Array[]): boolean {
    if (this.#closed) return false;
    if (this.#queue.messages === 0) {
      const connection = this.#writable();
      if (connection !== undefined) {
        connection.send(parts);
        return true;
      }
    }
    return this.#queue.push(parts);
  }

  /** Stops listening and dialling, ends every connection after what it took has left. What still waits is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const dialler of this.#diallers) dialler.close();
    const stopped = this.#acceptors.map((acceptor) => acceptor.stop());
    for (const connection of [...this.#open]) connection.end();
    await Promise.all(stopped);
  }

  #ready(peer: PeerInfo, connection: Connection): void {
    this.#open.push(connection);
    this.#handlers.connected?.(peer, connection.remote);
    this.#drain();
  }

  #lost(fault: ZmtpFault, connection: Connection): void {
    this.#open = this.#open.filter((each) => each !== connection);
    this.#handlers.disconnected?.(fault);
  }

  #drain(): void {
    if (this.#queue.drain(() => this.#writable())) this.#handlers.drained?.();
  }

  /** The next connection in turn that has room. */
  #writable(): Connection | undefined {
    const open = this.#open;
    for (let tried = 0; tried < open.length; tried++) {
      this.#next = (this.#next + 1) % open.length;
      const connection = open[this.#next];
      if (connection?.writable) return connection;
    }
    return undefined;
  }
}
