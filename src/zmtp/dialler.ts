// Keeps one connection to an endpoint: dials, waits longer after each failure, dials again when it is lost.

import type { Timer } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { Endpoint } from "../base/network.ts";
import { backoffMs } from "./backoff.ts";
import { Connection, type ConnectionHandlers } from "./connection.ts";
import type { PeerInfo } from "./engine.ts";
import type { SocketSettings } from "./socket-options.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

export interface DiallerHandlers {
  ready(peer: PeerInfo, connection: Connection): void;
  message(parts: Uint8Array[], connection: Connection): void;
  drained(connection: Connection): void;
  /** The connection was ready and is lost; the next attempt follows. */
  closed(fault: ZmtpFault, connection: Connection): void;
  /** An attempt came to nothing. The next is made after so many milliseconds. */
  refused(fault: ZmtpFault, nextAttemptMs: number): void;
}

export class Dialler implements ConnectionHandlers {
  readonly #to: Endpoint;
  readonly #settings: SocketSettings;
  readonly #handlers: DiallerHandlers;
  #connection: Connection | undefined;
  #retry: Timer | undefined;
  #failures = 0;
  #wasReady = false;
  #closed = false;

  constructor(to: Endpoint, settings: SocketSettings, handlers: DiallerHandlers) {
    this.#to = to;
    this.#settings = settings;
    this.#handlers = handlers;
    void this.#dial();
  }

  /** No further attempts. The connection ends after what was sent has left. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    if (this.#wasReady) this.#connection?.end();
    else this.#connection?.destroy();
  }

  /** @internal Of the connection. */
  ready(peer: PeerInfo, connection: Connection): void {
    this.#wasReady = true;
    this.#failures = 0;
    this.#handlers.ready(peer, connection);
  }

  /** @internal Of the connection. */
  message(parts: Uint8Array[], connection: Connection): void {
    this.#handlers.message(parts, connection);
  }

  /** @internal Of the connection. */
  drained(connection: Connection): void {
    this.#handlers.drained(connection);
  }

  /** @internal Of the connection. */
  closed(fault: ZmtpFault, connection: Connection): void {
    this.#connection = undefined;
    if (!this.#wasReady) return this.#failed(fault);
    this.#wasReady = false;
    this.#handlers.closed(fault, connection);
    // Even a peer that accepts and drops at once is not dialled without pause.
    if (!this.#closed) this.#dialLater();
  }

  async #dial(): Promise<void> {
    try {
      const stream = await this.#settings.env.network.connect(this.#to, this.#settings.limits.handshakeMs);
      if (this.#closed) return stream.destroy();
      this.#connection = new Connection(stream, this.#settings.connection("dials"), this);
    } catch (thrown) {
      const cause = asError(thrown);
      this.#failed(new ZmtpFault("unreachable", cause.message, { cause }));
    }
  }

  #failed(fault: ZmtpFault): void {
    if (this.#closed) return;
    const waitMs = this.#dialLater();
    this.#handlers.refused(fault, waitMs);
  }

  #dialLater(): number {
    this.#failures++;
    const waitMs = backoffMs(this.#settings.backoff, this.#failures, this.#settings.env.random);
    this.#retry = this.#settings.env.clock.after(waitMs, () => void this.#dial());
    return waitMs;
  }
}
