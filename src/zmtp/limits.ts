// What a peer may make this side hold, and for how long. Every number can be set; the defaults suit messages of Unum.

export interface ZmtpLimits {
  /** Bytes of one message, all its parts together. */
  readonly messageBytes: number;
  /** Parts of one message. */
  readonly parts: number;
  /** Bytes of one command (READY with its metadata is the largest there is). */
  readonly commandBytes: number;
  /** From the connection's first moment to the end of the handshake. */
  readonly handshakeMs: number;
  /** From a message's first byte to its last. */
  readonly messageMs: number;
  /** Open connections of one listening socket, those in handshake included. */
  readonly connections: number;
  /** Bytes of messages that have begun and not ended, over all connections of one socket. */
  readonly partialBytes: number;
}

export const DEFAULT_LIMITS: ZmtpLimits = {
  messageBytes: 16 * 1024 * 1024 + 64 * 1024,
  parts: 64,
  commandBytes: 8 * 1024,
  handshakeMs: 5_000,
  messageMs: 30_000,
  connections: 4_096,
  partialBytes: 512 * 1024 * 1024,
};

export interface Heartbeat {
  /** A PING goes out each time this has passed. 0: none is sent, and a silent peer is kept. */
  readonly intervalMs: number;
  /** Without a byte from the peer for this long, the connection is closed. */
  readonly timeoutMs: number;
}

export const DEFAULT_HEARTBEAT: Heartbeat = { intervalMs: 2_000, timeoutMs: 10_000 };

/** Bytes held by all connections of one socket together. */
export class Budget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** False, and nothing taken, where it would go past the limit. */
  take(amount: number): boolean {
    if (this.#used + amount > this.limit) return false;
    this.#used += amount;
    return true;
  }

  give(amount: number): void {
    this.#used -= amount;
  }
}
