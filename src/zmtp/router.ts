// A ROUTER: listens, knows each peer by its identity, and sends to whom it is told.
//
// Invariants
//   I1. One identity is one open connection; a second one that claims it is refused while the first lives.
//   I2. Every send has an answer: "sent", "full" (past the peer's high-water mark) or "no-peer". Nothing is dropped unseen.
//   I3. What one peer gets, it gets in the order it was sent.

import type { Endpoint } from "../base/network.ts";
import type { Random } from "../base/random.ts";
import { Acceptor } from "./acceptor.ts";
import type { Connection } from "./connection.ts";
import type { PeerInfo } from "./engine.ts";
import { SendQueue } from "./send-queue.ts";
import { type SocketOptions, type SocketSettings, settle } from "./socket-options.ts";
import type { ZmtpFault } from "./zmtp-fault.ts";

/** What became of a message that was to be sent: taken for delivery, or not taken at all. */
export type SendOutcome = "sent" | "full" | "no-peer";

export interface RouterHandlers {
  /** One message, at least one part; from a REQ the first is empty. The parts are windows on received chunks. */
  message(from: RouterPeer, parts: Uint8Array[]): void;
  connected?(peer: RouterPeer): void;
  /** Somebody came and did not get through the handshake. */
  refused?(fault: ZmtpFault, remote: string): void;
  disconnected?(peer: RouterPeer, fault: ZmtpFault): void;
  /** There is room again for this peer after a send answered "full". */
  drained?(peer: RouterPeer): void;
}

/** One peer, as long as it is connected. */
export class RouterPeer {
  /** Given by the peer, or made here: then it begins with a zero byte. */
  readonly identity: Uint8Array;
  readonly info: PeerInfo;
  /** The connection itself, for those who keep their own account of what is under way on it. */
  readonly connection: Connection;
  readonly #queue: SendQueue;

  constructor(identity: Uint8Array, info: PeerInfo, connection: Connection, queue: SendQueue) {
    this.identity = identity;
    this.info = info;
    this.connection = connection;
    this.#queue = queue;
  }

  /** Takes ownership of the parts, where it takes them. */
  send(parts: readonly Uint8Array[]): SendOutcome {
    if (!this.connection.open) return "no-peer";
    if (this.#queue.messages === 0 && this.connection.writable) {
      this.connection.send(parts);
      return "sent";
    }
    return this.#queue.push(parts) ? "sent" : "full";
  }

  /** @internal Of the router. */
  drain(): boolean {
    return this.#queue.drain(() => (this.connection.writable ? this.connection : undefined));
  }
}

export class RouterSocket {
  readonly #settings: SocketSettings;
  readonly #handlers: RouterHandlers;
  readonly #acceptors: Acceptor[] = [];
  readonly #byIdentity = new Map<string, RouterPeer>();
  readonly #byConnection = new Map<Connection, RouterPeer>();

  constructor(options: SocketOptions, handlers: RouterHandlers) {
    this.#settings = settle("ROUTER", {
      ...options,
      refusal: (peer) =>
        this.#byIdentity.has(keyOf(peer.identity)) ? "that identity is in use" : options.refusal?.(peer),
    });
    this.#handlers = handlers;
  }

  /** Accepts peers. Answers the endpoint with the port the system chose; rejects with the network's Fault. */
  async listen(at: Endpoint): Promise<Endpoint> {
    const acceptor = new Acceptor(this.#settings.connection("accepts"), {
      ready: (info, connection) => this.#ready(info, connection),
      message: (parts, connection) => {
        const peer = this.#byConnection.get(connection);
        if (peer !== undefined) this.#handlers.message(peer, parts);
      },
      drained: (connection) => {
        const peer = this.#byConnection.get(connection);
        if (peer?.drain()) this.#handlers.drained?.(peer);
      },
      closed: (fault, connection) => this.#lost(fault, connection),
      refused: (fault, remote) => this.#handlers.refused?.(fault, remote),
    });
    this.#acceptors.push(acceptor);
    return acceptor.listen(this.#settings.env.network, at);
  }

  /** Everybody who is connected. */
  get peers(): Iterable<RouterPeer> {
    return this.#byIdentity.values();
  }

  /** Streams held, those in handshake and those on their way out included. */
  get connections(): number {
    return this.#acceptors.reduce((sum, acceptor) => sum + acceptor.connections, 0);
  }

  peer(identity: Uint8Array): RouterPeer | undefined {
    return this.#byIdentity.get(keyOf(identity));
  }

  /** Takes ownership of the parts, where it takes them. */
  send(to: Uint8Array, parts: readonly Uint8Array[]): SendOutcome {
    return this.peer(to)?.send(parts) ?? "no-peer";
  }

  /** Takes no further peers; those that are connected stay. */
  async stopListening(): Promise<void> {
    await Promise.all(this.#acceptors.map((acceptor) => acceptor.stop()));
  }

  /** Stops listening and ends every connection after what it took has left. What still waits is dropped. */
  async close(): Promise<void> {
    const stopped = this.stopListening();
    for (const connection of [...this.#byConnection.keys()]) connection.end();
    await stopped;
  }

  /** Stops listening and drops every connection at once. */
  async destroy(): Promise<void> {
    const stopped = this.stopListening();
    for (const acceptor of this.#acceptors) acceptor.destroy();
    await stopped;
  }

  #ready(info: PeerInfo, connection: Connection): void {
    const identity = info.identity.length > 0 ? info.identity : this.#newIdentity();
    const peer = new RouterPeer(identity, info, connection, new SendQueue(this.#settings.highWaterMark));
    this.#byIdentity.set(keyOf(identity), peer);
    this.#byConnection.set(connection, peer);
    this.#handlers.connected?.(peer);
  }

  #lost(fault: ZmtpFault, connection: Connection): void {
    const peer = this.#byConnection.get(connection);
    if (peer === undefined) return;
    this.#byConnection.delete(connection);
    this.#byIdentity.delete(keyOf(peer.identity));
    this.#handlers.disconnected?.(peer, fault);
  }

  /** A zero byte, which no peer may begin with, and four of chance. */
  #newIdentity(): Uint8Array {
    for (;;) {
      const identity = randomIdentity(this.#settings.env.random);
      if (!this.#byIdentity.has(keyOf(identity))) return identity;
    }
  }
}

function randomIdentity(random: Random): Uint8Array {
  const identity = new Uint8Array(5);
  new DataView(identity.buffer).setUint32(1, random.u32());
  return identity;
}

function keyOf(identity: Uint8Array): string {
  return Buffer.from(identity.buffer, identity.byteOffset, identity.byteLength).toString("latin1");
}
