// Why a ZMTP connection came to nothing or ended, as a Fault that also carries the reason for those who count.

import { Fault, type FaultCode } from "../base/fault.ts";

/** The closed list, each with the code its Fault carries. */
const REASONS = {
  "not-zmtp": "invalid",
  version: "invalid",
  mechanism: "invalid",
  "socket-type": "invalid",
  metadata: "invalid",
  identity: "invalid",
  malformed: "invalid",
  "too-large": "invalid",
  "too-many-parts": "invalid",
  "too-many-connections": "overloaded",
  "too-many-bytes": "overloaded",
  /** The peer's ERROR command. */
  "peer-refused": "denied",
  /** Whoever uses the socket does not want this peer. */
  refused: "denied",
  "handshake-timeout": "undeliverable",
  "message-timeout": "undeliverable",
  "heartbeat-timeout": "undeliverable",
  /** This process itself stood still for longer than the peer's patience. */
  paused: "undeliverable",
  /** Nobody could be reached. */
  unreachable: "undeliverable",
  /** The stream ended: the peer closed it, or the system did. */
  lost: "undeliverable",
  /** Closed on this side. */
  closed: "undeliverable",
} as const satisfies Record<string, FaultCode>;

export type ZmtpReason = keyof typeof REASONS;

export const ZMTP_REASONS = Object.keys(REASONS) as readonly ZmtpReason[];

export class ZmtpFault extends Fault {
  readonly reason: ZmtpReason;

  constructor(reason: ZmtpReason, message: string, options?: ErrorOptions) {
    super(REASONS[reason], message, options);
    this.reason = reason;
  }
}
