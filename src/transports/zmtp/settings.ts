// What the transport holds, and for how long it waits. Every number can be set.

import { ENVELOPE_LIMIT_BYTES } from "../../messages/envelope.ts";
import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS, type ZmtpLimits } from "../../zmtp/index.ts";
import { HEAD_BYTES } from "./frames.ts";

export interface ZmtpTransportLimits {
  /** Requests that one caller, or replies that one listener, may have under way on a connection before credit comes back. */
  readonly windowMessages: number;
  /** The same in bytes. One message always fits, however small the window. */
  readonly windowBytes: number;
  /** Calls to one address that wait for its connection or for credit; one more is `overloaded`. */
  readonly queueMessages: number;
  readonly queueBytes: number;
  /** Calls to one address that wait for their replies; one more is `overloaded`. */
  readonly pendingCalls: number;
  /** Bytes of replies that wait for a caller's credit; above it, the caller's connection is ended. */
  readonly replyBytes: number;
  /** Open connections of one listening socket. */
  readonly connections: number;
  /** How long connecting may take, and after it the handshake. */
  readonly handshakeMs: number;
  /** The longest wait before an address where nobody was is dialled again … */
  readonly redialMs: number;
  /** … and a socket of this computer, which says at once that nobody listens. */
  readonly redialHereMs: number;
  /** From a message's first byte to its last. */
  readonly messageMs: number;
  /** Bytes of messages that have begun and not ended, over all connections of one listening socket. */
  readonly partialBytes: number;
  /** How often the other side is asked for a sign of life. */
  readonly heartbeatMs: number;
  /** Without a sign of life for so long, a connection is ended. Who has announced that it may be silent for longer is waited for. */
  readonly silenceMs: number;
  /** After so long without a call, a connection is ended; the next call makes a new one. */
  readonly idleMs: number;
  /** How long a closing listener waits for callers to confirm that nothing more comes from them. */
  readonly farewellMs: number;
}

export const DEFAULT_TRANSPORT_LIMITS: ZmtpTransportLimits = {
  windowMessages: 1_024,
  windowBytes: 16 * 1024 * 1024,
  queueMessages: 4_096,
  queueBytes: 64 * 1024 * 1024,
  pendingCalls: 65_536,
  replyBytes: 256 * 1024 * 1024,
  connections: DEFAULT_LIMITS.connections,
  handshakeMs: DEFAULT_LIMITS.handshakeMs,
  redialMs: 500,
  redialHereMs: 500,
  messageMs: DEFAULT_LIMITS.messageMs,
  partialBytes: DEFAULT_LIMITS.partialBytes,
  heartbeatMs: DEFAULT_HEARTBEAT.intervalMs,
  silenceMs: DEFAULT_HEARTBEAT.timeoutMs,
  idleMs: 60_000,
  farewellMs: 1_000,
};

/** Until when this process's loop may not turn, on its clock, as its connections have been told. */
export interface Silence {
  readonly until: number;
}

/** The part of the limits that the wire below keeps. */
export function zmtpLimits(limits: ZmtpTransportLimits): ZmtpLimits {
  return {
    messageBytes: ENVELOPE_LIMIT_BYTES + HEAD_BYTES,
    parts: 1,
    commandBytes: DEFAULT_LIMITS.commandBytes,
    handshakeMs: limits.handshakeMs,
    messageMs: limits.messageMs,
    connections: limits.connections,
    partialBytes: limits.partialBytes,
  };
}
